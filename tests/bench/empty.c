/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench-empty OBJECT PID LIBRARY PROBE...: attaches the empty program until standard input ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench-empty OBJECT PID LIBRARY PROBE...\n");
        return 2;
    }
    libbpf_set_print(quiet);
    struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
    if (!object || bpf_object__load(object)) {
        fprintf(stderr, "bench-empty: cannot load %s: %s\n", argv[1], strerror(errno));
        return 3;
    }
    struct bpf_program *program = bpf_object__find_program_by_name(object, "empty");
    for (int i = 4; i < argc; i++) {
        if (!bpf_program__attach_usdt(program, atoi(argv[2]), argv[3], "spice", argv[i], NULL)) {
            fprintf(stderr, "bench-empty: cannot attach to %s: %s\n", argv[i], strerror(errno));
            return 3;
        }
    }
    printf("attached\n");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    bpf_object__close(object);
    return 0;
}
