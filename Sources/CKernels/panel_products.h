// Matrix products c = a · b [+ bias] [+ c] whose right-hand side is packed once and used often, as the weights of a
// recurrent layer are at every step.
//
// Numbers lie in words of 32 bits along the depth: one float each or, where the factors are rounded, two bfloat16, an even
// depth in the low half and the following odd one in the high half. Left-hand sides are rows of words as they are; b is
// packed in panels of PANEL columns:
//   [panel][word of the depth][columns of the panel], the last panel filled up with zeros to HALF_PANEL or PANEL columns.
// A tile of PANEL_ROWS rows × PANEL columns is held in registers over the whole depth. Each row's sums are added up in the
// same order whatever other rows there are.

#define PANEL_VECTORS 4
#define PANEL (PANEL_VECTORS * LANES)
#define HALF_PANEL (PANEL / 2)
#define PANEL_ROWS (TILE / 2)

// Columns that a panel holds when `left` are still to be packed.
INLINE ptrdiff_t LEVEL(panel_width)(ptrdiff_t left) { return left <= HALF_PANEL ? HALF_PANEL : PANEL; }

static ptrdiff_t LEVEL(panel_columns)(ptrdiff_t columns) {
  return columns / PANEL * PANEL + (columns % PANEL ? LEVEL(panel_width)(columns % PANEL) : 0);
}

// Sixteen bits of each lane, from the upper half of a rounded float. Unlike `bf_store`, whose instruction takes numbers below
// 2⁻¹²⁶ for zero: packed numbers are the same at every level.
INLINE void LEVEL(store_bfloat16)(uint16_t *to, vector v, ptrdiff_t valid) {
  const LEVEL(halves) halves = __builtin_convertvector((vector_word)LEVEL(bf_rounded)(v) >> 16, LEVEL(halves));
  memcpy(to, &halves, (size_t)valid * sizeof(uint16_t));
}

static void LEVEL(bfloat16_words)(const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, uint32_t *words) {
  const ptrdiff_t count = (columns + 1) / 2;
  if (count == 0) return;
  for (ptrdiff_t row = 0; row < rows; row++, x += stride, words += count) {
    // So that a missing last number is zero.
    words[count - 1] = 0;
    uint16_t *to = (uint16_t *)words;
    ptrdiff_t i = 0;
    for (; i + LANES <= columns; i += LANES) LEVEL(store_bfloat16)(to + i, load(x + i), LANES);
    if (i < columns) LEVEL(store_bfloat16)(to + i, partial_load(x + i, columns - i), columns - i);
  }
}

// Words of one depth of a panel from rows of b.
INLINE void LEVEL(pack_depth)(const float *first, const float *second, ptrdiff_t valid, int bfloat16, uint32_t *to) {
  if (!bfloat16) {
    memcpy(to, first, (size_t)valid * sizeof *to);
    return;
  }
  ptrdiff_t i = 0;
  for (; i + LANES <= valid; i += LANES) {
    const vector_int pairs = LEVEL(bf_pairs)(load(first + i), second ? load(second + i) : (vector){0});
    memcpy(to + i, &pairs, sizeof pairs);
  }
  for (; i < valid; i++) to[i] = LEVEL(bf_word)(first[i], second ? second[i] : 0);
}

// One panel of b transposed, whose depths are neighbours in memory: squares of words, so that what is scattered stays in
// the cache.
INLINE void LEVEL(pack_transposed)(const float *b, ptrdiff_t stride, ptrdiff_t depth, ptrdiff_t width, ptrdiff_t valid,
                                   int bfloat16, uint32_t *to) {
  const ptrdiff_t words = bfloat16 ? (depth + 1) / 2 : depth, square = 16;
  for (ptrdiff_t word = 0; word < words; word += square) {
    const ptrdiff_t count = words - word < square ? words - word : square;
    for (ptrdiff_t i = 0; i < valid; i++) {
      uint32_t row[16];
      if (bfloat16)
        LEVEL(bfloat16_words)(b + i * stride + 2 * word, 1, depth - 2 * word < 32 ? depth - 2 * word : 32, 0, row);
      else
        memcpy(row, b + i * stride + word, (size_t)count * sizeof *row);
      for (ptrdiff_t k = 0; k < count; k++) to[(word + k) * width + i] = row[k];
    }
  }
}

static void LEVEL(pack_panels)(const ckernels_panels *g, const float *b, ptrdiff_t stride, int transposed,
                               ptrdiff_t first, ptrdiff_t last, uint32_t *packed) {
  const ptrdiff_t words = g->bfloat16 ? (g->depth + 1) / 2 : g->depth;
  for (ptrdiff_t panel = first; panel < last; panel++) {
    const ptrdiff_t start = panel * PANEL, left = g->columns - start, width = LEVEL(panel_width)(left);
    const ptrdiff_t valid = left < width ? left : width;
    uint32_t *to = packed + start * words;
    if (valid < width) memset(to, 0, (size_t)(width * words) * sizeof *to);
    if (transposed) {
      LEVEL(pack_transposed)(b + start * stride, stride, g->depth, width, valid, g->bfloat16, to);
      continue;
    }
    for (ptrdiff_t word = 0; word < words; word++, to += width) {
      const float *from = b + (g->bfloat16 ? 2 * word : word) * stride + start;
      LEVEL(pack_depth)(from, 2 * word + 1 < g->depth ? from + stride : NULL, valid, g->bfloat16, to);
    }
  }
}

INLINE void LEVEL(panel_tile)(const uint32_t *a, ptrdiff_t a_stride, const uint32_t *b, ptrdiff_t words,
                              const float *bias, int adds, float *c, ptrdiff_t c_stride, ptrdiff_t columns,
                              const int rows, const int vectors, const int bfloat16) {
  vector sums[PANEL_ROWS][PANEL_VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = (vector){0};
  for (ptrdiff_t word = 0; word < words; word++, b += vectors * LANES) {
    vector right[PANEL_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) right[v] = load((const float *)b + v * LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const vector_int left = (vector_int){0} + (int32_t)a[r * a_stride + word];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        if (bfloat16)
          sums[r][v] = LEVEL(bf_multiply_add)(sums[r][v], left, (vector_int)right[v]);
        else
          sums[r][v] += (vector)left * right[v];
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const ptrdiff_t before = v * LANES, left = columns - before;
    const ptrdiff_t valid = left < 0 ? 0 : left < LANES ? left : LANES;
    const vector start = bias ? partial_load(bias + before, valid) : (vector){0};
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      float *to = c + r * c_stride + before;
      vector sum = sums[r][v] + start;
      if (adds) sum += partial_load(to, valid);
      partial_store(to, sum, valid);
    }
  }
}

#define DEFINE_PANEL_TILE(R)                                                                                          \
  static void LEVEL(panel_tile_##R)(const uint32_t *a, ptrdiff_t a_stride, const uint32_t *b, ptrdiff_t words,        \
                                    const float *bias, int adds, float *c, ptrdiff_t c_stride, ptrdiff_t columns,     \
                                    int wide, int bfloat16) {                                                         \
    if (bfloat16 && wide)                                                                                             \
      LEVEL(panel_tile)(a, a_stride, b, words, bias, adds, c, c_stride, columns, R, PANEL_VECTORS, 1);                \
    else if (bfloat16)                                                                                                \
      LEVEL(panel_tile)(a, a_stride, b, words, bias, adds, c, c_stride, columns, R, PANEL_VECTORS / 2, 1);            \
    else if (wide)                                                                                                    \
      LEVEL(panel_tile)(a, a_stride, b, words, bias, adds, c, c_stride, columns, R, PANEL_VECTORS, 0);                \
    else                                                                                                              \
      LEVEL(panel_tile)(a, a_stride, b, words, bias, adds, c, c_stride, columns, R, PANEL_VECTORS / 2, 0);            \
  }
DEFINE_PANEL_TILE(1)
DEFINE_PANEL_TILE(2)
DEFINE_PANEL_TILE(3)
#if PANEL_ROWS == 6
DEFINE_PANEL_TILE(4)
DEFINE_PANEL_TILE(5)
DEFINE_PANEL_TILE(6)
#endif
#undef DEFINE_PANEL_TILE

#if defined(MATRIX_TILES)
static void LEVEL(panel_tiles)(const ckernels_panels *g, const uint32_t *a, ptrdiff_t a_stride, ptrdiff_t rows,
                               ptrdiff_t words, const uint32_t *packed, const float *bias, int adds, float *c,
                               ptrdiff_t c_stride) {
  LEVEL(tile_shape) shape = {0};
  for (ptrdiff_t top = 0; top < rows; top += 2 * TILE_SIDE)
    for (ptrdiff_t column = 0; column < g->columns; column += BLOCK) {
      const ptrdiff_t panel = column / PANEL * PANEL, width = LEVEL(panel_width)(g->columns - panel);
      const ptrdiff_t left = g->columns - column;
      LEVEL(multiply_tiles)(&shape, (LEVEL(tile_product)){
                                        .a = a + top * a_stride,
                                        .a_stride = 4 * a_stride,
                                        .b = packed + panel * words + column % PANEL,
                                        .b_stride = 4 * width,
                                        .segments = 1,
                                        .words = words,
                                        .rows = rows - top < 2 * TILE_SIDE ? rows - top : 2 * TILE_SIDE,
                                        .columns = left < BLOCK ? left : BLOCK,
                                        .bias = bias ? bias + column : NULL,
                                        .adds = adds,
                                        .c = c + top * c_stride + column,
                                        .c_stride = c_stride});
    }
  _tile_release();
}
#endif

static void LEVEL(panel_product)(const ckernels_panels *g, const void *a, ptrdiff_t a_stride, ptrdiff_t rows,
                                 const uint32_t *packed, const float *bias, int adds, float *c, ptrdiff_t c_stride) {
  typedef void (*tile_function)(const uint32_t *, ptrdiff_t, const uint32_t *, ptrdiff_t, const float *, int, float *,
                                ptrdiff_t, ptrdiff_t, int, int);
  static const tile_function tiles[PANEL_ROWS] = {
      LEVEL(panel_tile_1), LEVEL(panel_tile_2), LEVEL(panel_tile_3),
#if PANEL_ROWS == 6
      LEVEL(panel_tile_4), LEVEL(panel_tile_5), LEVEL(panel_tile_6),
#endif
  };
  const ptrdiff_t words = g->bfloat16 ? (g->depth + 1) / 2 : g->depth;
#if defined(MATRIX_TILES)
  if (g->bfloat16 && words > 0) {
    LEVEL(panel_tiles)(g, a, a_stride, rows, words, packed, bias, adds, c, c_stride);
    return;
  }
#endif
  // Tiles of about equal size: one with a single row would take as long as one with three.
  const ptrdiff_t count = (rows + PANEL_ROWS - 1) / PANEL_ROWS;
  for (ptrdiff_t column = 0; column < g->columns; column += PANEL) {
    const ptrdiff_t left = g->columns - column, width = LEVEL(panel_width)(left);
    for (ptrdiff_t tile = 0; tile < count; tile++) {
      const ptrdiff_t first = rows * tile / count, last = rows * (tile + 1) / count;
      tiles[last - first - 1]((const uint32_t *)a + first * a_stride, a_stride, packed + column * words, words,
                              bias ? bias + column : NULL, adds, c + first * c_stride + column, c_stride,
                              left < width ? left : width, width == PANEL, g->bfloat16);
    }
  }
}
