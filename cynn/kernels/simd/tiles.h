/* The shape of a register tile: TILE_ROWS rows by TILE_PANELS panels of 64 bytes.
 *
 *   registers   vector    tile         accumulators   why
 *   16          16 bytes  2 x 1 panel   8             8 hide the multiply's and the add's latency
 *   16          32 bytes  6 x 1 panel  12             + 2 of B + 1 broadcast = 15 of 16
 *   32          16 bytes  6 x 1 panel  24             NEON
 *   32          64 bytes  12 x 2 panels 24            AVX-512
 *
 * A single row has too few accumulators to hide the latency: it takes TILE_WIDE panels at once.
 * Every accumulator adds its products in the order of k in every shape, so that a row's bits do not
 * depend on the other rows of the tile. */
#ifndef CYNN_TILES_H
#define CYNN_TILES_H

#include "simd.h"

#define PANEL ((int)(64 / sizeof(real)))       /* columns of a panel: one cache line a row */
#define PANEL_VECS ((int)(64 / CYNN_VEC_BYTES)) /* vectors of a panel's row */

#if !defined(TILE_ROWS)
#if CYNN_VEC_BYTES == 64
#define TILE_ROWS 12
#define TILE_PANELS 2
#define TILE_WIDE 8
#elif CYNN_VEC_BYTES == 32
#define TILE_ROWS 6
#define TILE_PANELS 1
#define TILE_WIDE 4
#elif defined(__aarch64__)
#define TILE_ROWS 6
#define TILE_PANELS 1
#define TILE_WIDE 4
#else
#define TILE_ROWS 2
#define TILE_PANELS 1
#define TILE_WIDE 2
#endif
#endif

#define TILE_WIDE_VECS (TILE_WIDE * PANEL_VECS)

/* Panels at once of a row that is summed from some lines of a matrix (sparse.pxi): 14 sums and a number are 15 of
 * 16 registers. More than hide the latency, but each number that is read serves more panels. */
#if CYNN_VEC_BYTES == 32
#define SPARSE_WIDE 7
#else
#define SPARSE_WIDE TILE_WIDE
#endif
#define SPARSE_SUMS (SPARSE_WIDE * PANEL_VECS)

/* Rows of A that stay in a second-level cache of half a megabyte while B is read. */
#define ROW_BLOCK 144

/* accumulators of the largest tile, and of the single wide row */
#define TILE_SUMS \
    (PANEL_VECS * (TILE_ROWS * TILE_PANELS > TILE_WIDE ? TILE_ROWS * TILE_PANELS : TILE_WIDE))

#endif
