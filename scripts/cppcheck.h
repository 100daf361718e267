/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cppcheck must know of uthash.h, which it does not read: without it, it takes the loop's
 * variables for unset. */
#define HASH_ITER(hh, head, el, tmp) for ((el) = (head); (el); (el) = (el)->hh.next)
