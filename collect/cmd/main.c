/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/commands.h"

int main(int argc, char **argv)
{
    return spicetap(argc, argv);
}
