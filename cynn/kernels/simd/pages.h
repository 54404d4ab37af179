/* Large blocks of memory in large pages, where the system has them: weights and an optimizer's slots of many
 * megabytes are read in lines far apart, and each small page would need its own TLB entry. */
#ifndef CYNN_PAGES_H
#define CYNN_PAGES_H

#include <stddef.h>

#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE_BLOCK ((size_t)4 << 20) /* smaller ones stay as they are */

#if defined(__linux__)
#include <sys/mman.h>
#endif

/* A hint: the block begins at a multiple of LARGE_PAGE. */
static inline void wish_large_pages(void *block, size_t size) {
#if defined(MADV_HUGEPAGE)
    (void)madvise(block, size - size % LARGE_PAGE, MADV_HUGEPAGE);
#else
    (void)block;
    (void)size;
#endif
}

#endif
