/* SPDX-License-Identifier: MIT */
/*
 * Looks into a module's file before the dynamic linker does: a truncated file would end the
 * process with a bus error once mapped, and the linker knows nothing of XYLEM_PRIVATE. Every
 * offset is checked, nothing is trusted; parts are copied out, so alignment does not matter.
 */
#include <elf.h>
#include <limits.h>
#include <link.h>

#include "core/bus/internal.h"

#define PRIVATE_NODE "XYLEM_PRIVATE"
#define LIBRARY      "libxylem.so."
#define SONAME       LIBRARY "1"
_Static_assert(XY_ABI_MAJOR == 1, "the name of the library follows");

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;
typedef ElfW(Shdr) elf_section;
typedef ElfW(Dyn) elf_entry;
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Versym) elf_version;
typedef ElfW(Verneed) elf_library;
typedef ElfW(Vernaux) elf_need;

struct elf {
    struct xy_str file, path;
    elf_header header;
    size_t strings, strings_size; /* the dynamic string table, as offsets in the file */
    size_t versions, versions_count;
};

static bool
take(const struct elf *elf, size_t offset, void *out, size_t size)
{
    if (offset > elf->file.len || size > elf->file.len - offset)
        return false;
    memcpy(out, elf->file.at + offset, size);
    return true;
}

static struct xy_str
string_at(const struct elf *elf, size_t offset)
{
    if (offset >= elf->strings_size || elf->strings > elf->file.len ||
        elf->strings_size > elf->file.len - elf->strings)
        return XY_NO_STR;
    const char *at = elf->file.at + elf->strings + offset;
    size_t most = elf->strings_size - offset;
    return xy_str_of(at, strnlen(at, most < NAME_MAX ? most : NAME_MAX));
}

static bool
segment(const struct elf *elf, size_t index, elf_segment *out)
{
    return index < elf->header.e_phnum &&
           take(elf, elf->header.e_phoff + index * sizeof(*out), out, sizeof(*out));
}

/* Where in the file the byte at an address of the mapped library stands. */
static size_t
offset_of(const struct elf *elf, size_t address)
{
    elf_segment part;
    for (size_t i = 0; segment(elf, i, &part); i++)
        if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
            address - part.p_vaddr < part.p_filesz)
            return part.p_offset + (address - part.p_vaddr);
    return SIZE_MAX;
}

/* ---- the file as a whole ---------------------------------------------------------------- */

static bool
is_shared_object(struct elf *elf)
{
    static const unsigned char order =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    return take(elf, 0, &elf->header, sizeof(elf->header)) &&
           memcmp(elf->header.e_ident, ELFMAG, SELFMAG) == 0 &&
           elf->header.e_ident[EI_CLASS] ==
               (__ELF_NATIVE_CLASS == 64 ? ELFCLASS64 : ELFCLASS32) &&
           elf->header.e_ident[EI_DATA] == order && elf->header.e_type == ET_DYN &&
           elf->header.e_phentsize == sizeof(elf_segment);
}

static bool
is_whole(const struct elf *elf)
{
    elf_segment part;
    for (size_t i = 0; i < elf->header.e_phnum; i++)
        if (!segment(elf, i, &part) || part.p_offset > elf->file.len ||
            part.p_filesz > elf->file.len - part.p_offset)
            return false;
    return true;
}

static void
read_dynamic(struct elf *elf)
{
    elf_segment part = {0};
    for (size_t i = 0; segment(elf, i, &part) && part.p_type != PT_DYNAMIC;)
        i++;
    elf_entry entry;
    for (size_t i = 0; part.p_type == PT_DYNAMIC && i < part.p_filesz / sizeof(entry); i++) {
        if (!take(elf, part.p_offset + i * sizeof(entry), &entry, sizeof(entry)) ||
            entry.d_tag == DT_NULL)
            return;
        if (entry.d_tag == DT_STRTAB)
            elf->strings = offset_of(elf, entry.d_un.d_ptr);
        else if (entry.d_tag == DT_STRSZ)
            elf->strings_size = entry.d_un.d_val;
        else if (entry.d_tag == DT_VERNEED)
            elf->versions = offset_of(elf, entry.d_un.d_ptr);
        else if (entry.d_tag == DT_VERNEEDNUM)
            elf->versions_count = entry.d_un.d_val;
    }
}

/* ---- what it asks of libxylem ----------------------------------------------------------- */

static bool
section(const struct elf *elf, unsigned type, elf_section *out)
{
    for (size_t i = 0; i < elf->header.e_shnum; i++)
        if (take(elf, elf->header.e_shoff + i * sizeof(*out), out, sizeof(*out)) &&
            out->sh_type == type)
            return true;
    return false;
}

/* A symbol it imports at that version, to name it; absent in a file without section headers. */
static struct xy_str
symbol_of(const struct elf *elf, unsigned version)
{
    elf_section versions, symbols;
    if (!section(elf, SHT_GNU_versym, &versions) || !section(elf, SHT_DYNSYM, &symbols))
        return XY_NO_STR;
    for (size_t i = 0; i < versions.sh_size / sizeof(elf_version); i++) {
        elf_version of;
        elf_symbol symbol;
        if (!take(elf, versions.sh_offset + i * sizeof(of), &of, sizeof(of)) ||
            !take(elf, symbols.sh_offset + i * sizeof(symbol), &symbol, sizeof(symbol)))
            break;
        if ((of & 0x7fff) == version)
            return string_at(elf, symbol.st_name);
    }
    return XY_NO_STR;
}

/* "XYLEM_1.3" is newer than what we have. */
static bool
is_newer(struct xy_str node)
{
    int64_t major, minor;
    struct xy_str rest = xy_str_of(node.at + 6, node.len - 6), first = xy_str_cut(&rest, '.');
    return xy_str_to_int(first, 0, INT32_MAX, &major) != XY_OK ||
           xy_str_to_int(rest, 0, INT32_MAX, &minor) != XY_OK || major != XY_ABI_MAJOR ||
           minor > (int64_t)XY_ABI_MINOR;
}

static bool
is_granted(const struct elf *elf, const elf_need *wanted, struct xy_str *why)
{
    struct xy_str node = string_at(elf, wanted->vna_name);
    if (!xy_str_starts(node, XY_STR("XYLEM_")))
        return true;
    if (xy_str_is(node, PRIVATE_NODE))
        *why = xy_temp_printf(XY_FMT " uses what only the core may (" PRIVATE_NODE "): " XY_FMT,
                              XY_ARG(elf->path), XY_ARG(symbol_of(elf, wanted->vna_other)));
    else if (is_newer(node))
        *why = xy_temp_printf(XY_FMT " needs a newer xylem: wanted " XY_FMT " (for " XY_FMT
                                     "), found XYLEM_%u.%u",
                              XY_ARG(elf->path), XY_ARG(node),
                              XY_ARG(symbol_of(elf, wanted->vna_other)), XY_ABI_MAJOR,
                              XY_ABI_MINOR);
    else
        return true;
    return false;
}

static bool
check_library(const struct elf *elf, size_t at, const elf_library *need, struct xy_str *why)
{
    struct xy_str library = string_at(elf, need->vn_file);
    if (!xy_str_starts(library, XY_STR(LIBRARY)))
        return true;
    if (!xy_str_is(library, SONAME)) {
        *why = xy_temp_printf(XY_FMT " is built for another xylem: wanted " XY_FMT
                                     ", found " SONAME,
                              XY_ARG(elf->path), XY_ARG(library));
        return false;
    }
    elf_need wanted;
    size_t offset = at + need->vn_aux;
    for (unsigned i = 0; i < need->vn_cnt && take(elf, offset, &wanted, sizeof(wanted)); i++) {
        if (!is_granted(elf, &wanted, why))
            return false;
        if (wanted.vna_next <
            sizeof(wanted)) /* 0: the last; else damaged, and we would crawl */
            break;
        offset += wanted.vna_next;
    }
    return true;
}

bool
xyi_elf_check(const struct xyi_image *image, struct xy_str *why)
{
    struct elf elf = {.file = image->bytes, .path = image->path};
    if (!is_shared_object(&elf) || !is_whole(&elf)) {
        *why = xy_temp_printf(XY_FMT " is %s", XY_ARG(image->path),
                              is_shared_object(&elf) ? "truncated"
                                                     : "no shared object of this machine");
        return false;
    }
    read_dynamic(&elf);
    elf_library need;
    size_t at = elf.versions;
    for (size_t i = 0; i < elf.versions_count && take(&elf, at, &need, sizeof(need)); i++) {
        if (!check_library(&elf, at, &need, why))
            return false;
        if (need.vn_next < sizeof(need))
            break;
        at += need.vn_next;
    }
    return true;
}

/* ---- house rules that show from here ------------------------------------------------------
 */

#ifndef XYI_SANITIZED /* which adds data of its own to every library */
static size_t
bytes_in(const struct elf *elf, const char *name)
{
    elf_section names, at;
    if (!take(elf, elf->header.e_shoff + elf->header.e_shstrndx * sizeof(names), &names,
              sizeof(names)))
        return 0;
    size_t len = strlen(name) + 1;
    char found[16];
    for (size_t i = 0; i < elf->header.e_shnum; i++)
        if (take(elf, elf->header.e_shoff + i * sizeof(at), &at, sizeof(at)) &&
            take(elf, names.sh_offset + at.sh_name, found, len) &&
            memcmp(found, name, len) == 0)
            return at.sh_size;
    return 0;
}
#endif

/* The compiler's start files put one pointer into each. */
struct xy_str
xyi_elf_faults(const struct xyi_image *image)
{
    struct xy_buffer faults = {0};
#ifndef XYI_SANITIZED
    static const struct {
        const char *section, *what;
        size_t most;
    } rules[] = {
        {".data", " writable data;", 8},      {".bss", " writable data;", 8},
        {".tdata", " thread-local data;", 0}, {".tbss", " thread-local data;", 0},
        {".init_array", " constructors;", 8}, {".fini_array", " destructors;", 8},
    };
    struct elf elf = {.file = image->bytes, .path = image->path};
    if (!is_shared_object(&elf))
        return XY_NO_STR;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (bytes_in(&elf, rules[i].section) > rules[i].most)
            xy_buffer_add(&faults, xy_str_from(rules[i].what));
#else
    (void)image;
#endif
    return xy_buffer_str(&faults);
}
