/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever file a VM's process has mapped, reading its probes must not crash, and a site that may
 * be attached is an executable nop. The recorder reads these files as root.
 *
 * An input is a whole file; or, if its first byte is odd, the contents of the sections of one, each
 * behind its length: a file that is right but for what matters here.
 *
 * Ten million inputs: scripts/fuzz.sh inputs build/fuzz/fuzz_elf 10000000
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/shared.h"
#include "loader/loader.h"

enum { TEXT = 1, NOTES, BASE, INDEX, DESCRIPTIONS, SYMBOLS, STRINGS, NAMES, SECTIONS };

/* Each is at PLACE times its number, in the file as in memory. */
enum { PLACE = 0x1000, FILE_BYTES = PLACE * (SECTIONS + 1) };

static const struct {
    const char *name;
    uint32_t type;
} kinds[SECTIONS] = {
    [TEXT] = {".text", SHT_PROGBITS},
    [NOTES] = {".note.stapsdt", SHT_NOTE},
    [BASE] = {".stapsdt.base", SHT_PROGBITS},
    [INDEX] = {".eh_frame_hdr", SHT_PROGBITS},
    [DESCRIPTIONS] = {".eh_frame", SHT_PROGBITS},
    [SYMBOLS] = {".dynsym", SHT_DYNSYM},
    [STRINGS] = {".dynstr", SHT_STRTAB},
    [NAMES] = {".shstrtab", SHT_STRTAB},
};

static uint8_t file[FILE_BYTES];

/* Returns how many bytes of the input the section took. */
static size_t fill(unsigned number, Elf64_Shdr *section, const uint8_t *data, size_t size)
{
    size_t length = size < 2 ? 0 : (size_t)(data[0] | data[1] << 8) % PLACE;

    if (length > (size < 2 ? 0 : size - 2)) {
        length = size - 2;
    }
    *section = (Elf64_Shdr){.sh_type = kinds[number].type,
                            .sh_addr = (uint64_t)PLACE * number,
                            .sh_offset = (uint64_t)PLACE * number,
                            .sh_size = length,
                            .sh_link = STRINGS,
                            .sh_addralign = 4,
                            .sh_entsize = number == SYMBOLS ? sizeof(Elf64_Sym) : 0};
    memcpy(file + section->sh_offset, data + (size < 2 ? size : 2), length);
    return length + (size < 2 ? size : 2);
}

static void name_sections(Elf64_Shdr *sections)
{
    char *names = (char *)file + PLACE * NAMES;
    uint32_t at = 1;

    for (unsigned i = TEXT; i < SECTIONS; i++) {
        sections[i].sh_name = at;
        at += (uint32_t)sprintf(names + at, "%s", kinds[i].name) + 1;
    }
    sections[NAMES].sh_size = at;
}

static void make_file(const uint8_t *data, size_t size)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;
    Elf64_Phdr *segment = (Elf64_Phdr *)(header + 1);
    Elf64_Shdr *sections = (Elf64_Shdr *)(file + PLACE * SECTIONS);

    memset(file, 0, sizeof(file));
    *header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(*header),
        .e_shoff = PLACE * SECTIONS,
        .e_ehsize = sizeof(*header),
        .e_phentsize = sizeof(*segment),
        .e_phnum = 1,
        .e_shentsize = sizeof(*sections),
        .e_shnum = SECTIONS,
        .e_shstrndx = NAMES};
    *segment = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X | PF_W,
                            .p_filesz = PLACE * SECTIONS,
                            .p_memsz = PLACE * SECTIONS};
    for (unsigned i = TEXT; i < NAMES; i++) {
        size_t took = fill(i, &sections[i], data, size);

        data += took;
        size -= took;
    }
    sections[NAMES] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = PLACE * NAMES};
    name_sections(sections);
}

/* What the recorder does with the sites that it may attach to. */
static void use(const struct probe_file *probes)
{
    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        const struct probe_site *site;
        struct site_plan plan;
        char why[256];
        unsigned bad;
        size_t count;

        if (wanted_check(w, probes, why, sizeof(why)) != PROBE_FITS) {
            continue;
        }
        count = probe_file_sites(probes, w->provider, w->name, &site);
        for (; count; count--, site++) {
            if (!site->offset || site->nop == NOP_OTHER ||
                (site->nop == NOP_FIVE && site->red_zone != RED_ZONE_UNUSED)) {
                abort();
            }
            site_plan_make(&plan, site, SITE_WORDS, &bad);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct probe_file probes;
    struct loader_error e;
    char path[64];
    bool whole = !size || !(data[0] & 1);

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    }
    if (!whole) {
        make_file(data + 1, size - 1);
        data = file;
        size = sizeof(file);
    }
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) {
        abort();
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (!probe_file_read(&probes, path, &e)) {
        use(&probes);
        probe_file_free(&probes);
    }
    return 0;
}
