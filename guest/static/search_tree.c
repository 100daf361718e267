/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libelf.a of elfutils 0.192 (Debian 13) calls these two and lacks them
 * (https://sourceware.org/bugzilla/show_bug.cgi?id=32293). They prepare and clear the tree of
 * elf_getdata_rawchunk(), which nobody calls here: its own calls, eu_tsearch() and eu_tdelete(),
 * would not link. The linker takes these last, so a libelf.a that has its own keeps them.
 */
void eu_search_tree_init(void *tree);
void eu_search_tree_fini(void *tree, void (*free_node)(void *));

void eu_search_tree_init(void *tree)
{
    (void)tree;
}

void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
    (void)tree;
    (void)free_node;
}
