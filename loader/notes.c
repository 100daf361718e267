/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the USDT probes of an ELF file from .note.stapsdt, which sys/sdt.h writes. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "redzone.h"

#define NOTE_TYPE_STAPSDT 3
#define NOTE_FIELDS       (3 * sizeof(uint64_t)) /* addresses of site, base, semaphore */
#define NOTES_MOST        (4 << 20) /* bytes; QEMU's thousands of probes have 0.3 MiB */
#define LOOKS_MOST        256       /* as many sites as can be attached */

struct elf_file {
    int fd;
    Elf *elf;
    struct frames frames;
};

static void elf_file_close(struct elf_file *f)
{
    if (f->elf) {
        elf_end(f->elf);
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
}

static int elf_file_open(struct elf_file *f, const char *path, struct loader_error *e)
{
    GElf_Ehdr header;

    elf_version(EV_CURRENT);
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0) {
        return loader_fail(e, -errno, "%s: %s", path, strerror(errno));
    }
    /* Not mapped: a file that is cut meanwhile is an error then, and no signal. */
    f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
    if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &header)) {
        return loader_fail(e, -ENOEXEC, "%s is not a program or a library (ELF)", path);
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) {
        return loader_fail(e, -ENOEXEC, "%s is not for x86-64, the only supported machine", path);
    }
    return 0;
}

static const char *section_name(Elf *elf, const GElf_Shdr *header)
{
    size_t names;
    const char *name = NULL;

    if (!elf_getshdrstrndx(elf, &names)) {
        name = elf_strptr(elf, names, header->sh_name);
    }
    return name ? name : "";
}

/* ---- one note ---------------------------------------------------------------------------- */

/* The size in "-4@16(%rsp)", where the place follows the @. 0: not an integer. */
static int16_t arg_size(const char *arg)
{
    char *end;
    long size = strtol(arg, &end, 10);

    if (end == arg || *end != '@' || size < -8 || size > 8) {
        return 0;
    }
    return (int16_t)size;
}

static bool parse_args(struct probe_site *site)
{
    const char *arg = site->args;

    site->arg_count = 0;
    while (*(arg += strspn(arg, " "))) {
        size_t length = strcspn(arg, " ");

        if (site->arg_count == PROBE_MAX_ARGS || !memchr(arg, '@', length)) {
            return false;
        }
        site->arg_size[site->arg_count++] = arg_size(arg);
        arg += length;
    }
    return true;
}

static const char *next_string(const char **from, const char *end)
{
    const char *string = *from, *nul = memchr(string, '\0', (size_t)(end - string));

    *from = nul ? nul + 1 : end;
    return nul ? string : NULL;
}

bool probe_note_parse(struct probe_site *site, const void *desc, size_t size,
                      const struct probe_bases *bases)
{
    const char *text = desc, *end = text + size;
    uint64_t words[3];

    if (size < NOTE_FIELDS) {
        return false;
    }
    memcpy(words, desc, sizeof(words));
    text += NOTE_FIELDS;
    *site = (struct probe_site){.address = words[0], .semaphore = words[2]};
    /* prelink moves the section without rewriting the notes; the base moves by as much. */
    if (bases->linked) {
        site->address += bases->linked - words[1];
        site->semaphore += site->semaphore ? bases->linked - words[1] : 0;
    }
    site->provider = next_string(&text, end);
    site->name = site->provider ? next_string(&text, end) : NULL;
    site->args = site->name ? next_string(&text, end) : NULL;
    return site->args && *site->provider && *site->name && parse_args(site);
}

/* ---- the sites of a file ------------------------------------------------------------------- */

const char *nop_kind_name(enum nop_kind nop)
{
    return nop == NOP_FIVE ? "nop5" : nop == NOP_ONE ? "nop" : nop == NOP_CALL ? "call" : "other";
}

/* 0: no segment with that right, PF_X or PF_W, has the address in the file. */
static uint64_t file_offset(Elf *elf, uint64_t address, uint32_t right)
{
    size_t count = 0;

    if (elf_getphdrnum(elf, &count)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr p;

        if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && (p.p_flags & right) &&
            address >= p.p_vaddr && address - p.p_vaddr < p.p_filesz) {
            return address - p.p_vaddr + p.p_offset;
        }
    }
    return 0;
}

static enum nop_kind site_nop(const struct elf_file *f, uint64_t offset)
{
    static const uint8_t five[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
    uint8_t code[sizeof(five)] = {0};

    if (!offset || pread(f->fd, code, sizeof(code), (off_t)offset) < 1) {
        return NOP_OTHER;
    }
    if (!memcmp(code, five, sizeof(five))) {
        return NOP_FIVE;
    }
    return code[0] == 0x90 ? NOP_ONE : NOP_OTHER;
}

/* Where the file has the site, and what is there. */
static void look_at_site(struct probe_file *file, struct probe_site *site, const struct elf_file *f)
{
    site->offset = file_offset(f->elf, site->address, PF_X);
    site->semaphore_offset = site->semaphore ? file_offset(f->elf, site->semaphore, PF_W) : 0;
    site->nop = site_nop(f, site->offset);
    if (site->nop == NOP_FIVE && wanted_find(site->provider, site->name)) {
        site->red_zone = file->looks++ < LOOKS_MOST
                             ? red_zone_around(f->fd, &f->frames, site->address, site->offset)
                             : RED_ZONE_UNKNOWN;
    }
}

static int add_site(struct probe_file *file, const struct probe_site *site)
{
    /* The room is the next power of two, so it is full when `count` is one. */
    if ((file->count & (file->count - 1)) == 0) {
        size_t room = file->count ? 2 * file->count : 1;
        void *sites = realloc(file->sites, room * sizeof(*site));

        if (!sites) {
            return -ENOMEM;
        }
        file->sites = sites;
    }
    file->sites[file->count++] = *site;
    return 0;
}

static int read_notes(struct probe_file *file, const struct elf_file *f, Elf_Data *data,
                      const struct probe_bases *bases)
{
    size_t at = 0, next, name, desc;
    GElf_Nhdr note;

    if (data->d_size > NOTES_MOST) {
        return -EFBIG;
    }
    /* The strings of all sites point into this copy. */
    file->notes = malloc(data->d_size);
    if (!file->notes) {
        return -ENOMEM;
    }
    memcpy(file->notes, data->d_buf, data->d_size);
    while (at < data->d_size && (next = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
        struct probe_site site;

        at = next;
        if (note.n_type == NOTE_TYPE_STAPSDT && note.n_namesz == sizeof("stapsdt") &&
            !memcmp((char *)data->d_buf + name, "stapsdt", sizeof("stapsdt")) &&
            probe_note_parse(&site, (char *)file->notes + desc, note.n_descsz, bases)) {
            look_at_site(file, &site, f);
            if (add_site(file, &site)) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

/* ---- exported functions -------------------------------------------------------------------- */

/* x86-64's first arguments (System V ABI), as many as an event of a call has. */
static const char *const call_args[] = {"", "8@%rdi", "8@%rdi 4@%esi"};

static int add_call(struct probe_file *file, const struct elf_file *f, const GElf_Sym *symbol,
                    const struct wanted_probe *wanted)
{
    struct probe_site site = {
        .provider = wanted->provider,
        .name = wanted->name,
        .args = call_args[wanted_arg_count(wanted)],
        .address = symbol->st_value,
        .offset = file_offset(f->elf, symbol->st_value, PF_X),
        .nop = NOP_CALL,
    };

    parse_args(&site);
    return add_site(file, &site);
}

static int read_functions(struct probe_file *file, const struct elf_file *f, Elf_Scn *section,
                          const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym symbol;
    int error = 0;

    for (int i = 0; data && !error && gelf_getsym(data, i, &symbol); i++) {
        const char *name = elf_strptr(f->elf, header->sh_link, symbol.st_name);
        const struct wanted_probe *wanted = name ? wanted_find(CALL_PROVIDER, name) : NULL;

        if (wanted && GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value) {
            error = add_call(file, f, &symbol, wanted);
        }
    }
    return error;
}

static void read_build_id(struct probe_file *file, Elf_Data *data)
{
    size_t at = 0, next, name, desc;
    GElf_Nhdr note;

    while (at < data->d_size && (next = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
        const uint8_t *id = (uint8_t *)data->d_buf + desc;

        at = next;
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
            memcmp((char *)data->d_buf + name, "GNU", sizeof("GNU")) != 0) {
            continue;
        }
        for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < sizeof(file->build_id); i++) {
            snprintf(file->build_id + 2 * i, 3, "%02x", id[i]);
        }
    }
}

static Elf_Data *section_data(Elf_Scn *section)
{
    Elf_Data *data = elf_getdata(section, NULL);

    return data && data->d_buf ? data : NULL;
}

static void keep_section(struct frame_section *kept, Elf_Scn *section, const GElf_Shdr *header)
{
    const Elf_Data *data = section_data(section);

    if (data) {
        *kept = (struct frame_section){data->d_buf, data->d_size, header->sh_addr};
    }
}

static int read_sections(struct probe_file *file, struct elf_file *f)
{
    struct probe_bases bases = {0};
    Elf_Scn *section = NULL, *stapsdt = NULL;

    while ((section = elf_nextscn(f->elf, section))) {
        GElf_Shdr header;
        const char *name;

        if (!gelf_getshdr(section, &header)) {
            continue;
        }
        name = section_name(f->elf, &header);
        if (!strcmp(name, ".stapsdt.base")) {
            bases.linked = header.sh_addr;
        } else if (header.sh_type == SHT_NOTE && !strcmp(name, ".note.stapsdt")) {
            stapsdt = section;
        } else if (!strcmp(name, ".eh_frame_hdr")) {
            keep_section(&f->frames.index, section, &header);
        } else if (!strcmp(name, ".eh_frame")) {
            keep_section(&f->frames.descriptions, section, &header);
        } else if (header.sh_type == SHT_NOTE && section_data(section)) {
            read_build_id(file, section_data(section));
        } else if (header.sh_type == SHT_DYNSYM && read_functions(file, f, section, &header)) {
            return -ENOMEM;
        }
    }
    if (!stapsdt || !section_data(stapsdt)) {
        return 0;
    }
    return read_notes(file, f, section_data(stapsdt), &bases);
}

static int compare_sites(const void *a, const void *b)
{
    const struct probe_site *x = a, *y = b;
    int order = strcmp(x->provider, y->provider);

    if (!order) {
        order = strcmp(x->name, y->name);
    }
    return order ? order : (x->address > y->address) - (x->address < y->address);
}

int probe_file_read(struct probe_file *file, const char *path, struct loader_error *e)
{
    __attribute__((cleanup(elf_file_close))) struct elf_file f = {.fd = -1};
    int error;

    *file = (struct probe_file){0};
    error = elf_file_open(&f, path, e);
    if (error) {
        return error;
    }
    error = read_sections(file, &f);
    if (error) {
        probe_file_free(file);
        return loader_fail(e, error, "%s: its probes cannot be read: %s", path, strerror(-error));
    }
    if (file->count) {
        qsort(file->sites, file->count, sizeof(*file->sites), compare_sites);
    }
    return 0;
}

void probe_file_free(struct probe_file *file)
{
    free(file->sites);
    free(file->notes);
    *file = (struct probe_file){0};
}

size_t probe_file_sites(const struct probe_file *file, const char *provider, const char *name,
                        const struct probe_site **first)
{
    size_t found = 0;

    for (size_t i = 0; i < file->count; i++) {
        const struct probe_site *s = &file->sites[i];

        if (!strcmp(s->provider, provider) && !strcmp(s->name, name)) {
            if (!found++) {
                *first = s; /* the sites are sorted, so the others follow it */
            }
        }
    }
    return found;
}

bool probe_file_has(const struct probe_file *file, const char *provider)
{
    for (size_t i = 0; i < file->count; i++) {
        if (!strcmp(file->sites[i].provider, provider)) {
            return true;
        }
    }
    return false;
}
