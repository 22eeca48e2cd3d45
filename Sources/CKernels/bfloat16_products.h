// Matrix products whose factors are rounded to bfloat16 (the upper half of a float, to nearest even) and whose sums are
// kept in float: c = op(a) · op(b), row-major, op transposing where asked.
//
// Factors are rounded, unless b is bfloat16 already, and rearranged block by block on the way into the loop, never in memory.
// The depth is taken two by two: a 32-bit word holds the numbers of an even and the following odd depth. b becomes blocks
// [depth / 2][BLOCK].
//
// With tile registers (matrix_tiles.h) a becomes rows of words. Without, it becomes blocks [rows / TILE][depth / 2][TILE], and
// TILE rows × BLOCK columns are held in registers over BF_DEPTH of depth: a block of b then lies in the first-level cache and
// one of a in the second.

#define BF_DEPTH 512
#define BF_ROWS 192

// Products take up to 330 KB of stack for the packed blocks; threads have 512 KB at least.

#if defined(MATRIX_TILES)
// Rows of words along the depth, `stride` words from one to the next, as tile registers take the left-hand side. Each row is
// filled up with zeros to a multiple of TILE_SIDE words.
INLINE void LEVEL(bf_pack_rows)(const float *from, ptrdiff_t from_stride, ptrdiff_t count, ptrdiff_t depth, uint32_t *to,
                                ptrdiff_t stride) {
  const ptrdiff_t words = LEVEL(rounded)((depth + 1) / 2, TILE_SIDE);
  for (ptrdiff_t line = 0; line < count; line++)
    for (ptrdiff_t k = 0; k < 2 * words; k += LANES)
      LEVEL(bf_store)(to + line * stride + k / 2,
                      partial_load(from + line * from_stride + k, LEVEL(numbers_left)(k, depth, LANES)));
}

// The same from lines that lie beside each other, from number `at` on: each depth is a row, of floats or of bfloat16.
INLINE void LEVEL(bf_turn_rows)(const void *from, ptrdiff_t at, ptrdiff_t from_stride, ptrdiff_t count, ptrdiff_t depth,
                                uint32_t *to, ptrdiff_t stride, const int narrow) {
  const ptrdiff_t words = LEVEL(rounded)((depth + 1) / 2, TILE_SIDE);
  for (ptrdiff_t line = 0; line < count; line += TILE_SIDE) {
    const ptrdiff_t left = count - line, lines = left < TILE_SIDE ? left : TILE_SIDE;
    for (ptrdiff_t word = 0; word < words; word += TILE_SIDE) {
      __m512i rows[TILE_SIDE], columns[TILE_SIDE];
      ptrdiff_t even = at + 2 * word * from_stride + line;
      if (lines == TILE_SIDE && 2 * (word + TILE_SIDE) <= depth) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TILE_SIDE; i++, even += 2 * from_stride)
          rows[i] = (__m512i)LEVEL(load_pairs)(from, even, LANES, even + from_stride, LANES, narrow);
      } else {
        for (ptrdiff_t i = 0; i < TILE_SIDE; i++, even += 2 * from_stride) {
          const ptrdiff_t k = 2 * (word + i);
          rows[i] = (__m512i)LEVEL(load_pairs)(from, even, k < depth ? lines : 0, even + from_stride,
                                               k + 1 < depth ? lines : 0, narrow);
        }
      }
      LEVEL(transpose_words)(rows, columns);
      for (ptrdiff_t i = 0; i < lines; i++) _mm512_storeu_si512(to + (line + i) * stride + word, columns[i]);
    }
  }
}

// Blocks of BLOCK columns of words, [block][pair][BLOCK], as tile registers take the right-hand side; from rows of `width`
// numbers, from number `at` on.
INLINE void LEVEL(bf_pack_blocks)(const void *from, ptrdiff_t at, ptrdiff_t stride, ptrdiff_t width, ptrdiff_t depth,
                                  uint32_t *to, const int narrow) {
  const ptrdiff_t pairs = (depth + 1) / 2;
  for (ptrdiff_t pair = 0; pair < pairs; pair++, at += 2 * stride) {
    const int has_odd = 2 * pair + 1 < depth;
    for (ptrdiff_t column = 0; column < width; column += LANES) {
      const ptrdiff_t valid = LEVEL(numbers_left)(column, width, LANES);
      const vector_int words =
          LEVEL(load_pairs)(from, at + column, valid, at + stride + column, has_odd ? valid : 0, narrow);
      store((float *)(to + (column / BLOCK * pairs + pair) * BLOCK + column % BLOCK), (vector)words);
    }
  }
}

// Rows of BLOCK words, one for each pair of the depth, as tile registers take the right-hand side; from lines along the depth.
INLINE void LEVEL(bf_pack_columns)(const float *from, ptrdiff_t from_stride, ptrdiff_t count, ptrdiff_t depth,
                                   ptrdiff_t words, uint32_t *to) {
  for (ptrdiff_t word = 0; word < words; word += TILE_SIDE)
    for (ptrdiff_t line = 0; line < BLOCK; line += TILE_SIDE) {
      __m512i rows[TILE_SIDE], columns[TILE_SIDE];
      const ptrdiff_t left = depth - 2 * word;
      for (ptrdiff_t i = 0; i < TILE_SIDE; i++) {
        const float *source = from + (line + i) * from_stride + 2 * word;
        const ptrdiff_t valid = line + i < count ? left : 0, right = valid - LANES;
        const vector first = partial_load(source, valid < LANES ? valid : LANES);
        const vector second = partial_load(source + LANES, right < 0 ? 0 : right < LANES ? right : LANES);
        rows[i] = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
      }
      LEVEL(transpose_words)(rows, columns);
      for (ptrdiff_t i = 0; i < TILE_SIDE && word + i < words; i++)
        _mm512_storeu_si512(to + (word + i) * BLOCK + line, columns[i]);
    }
}

// Blocks of columns that are packed one after the other, so that b is read in long pieces.
#define BF_BLOCKS 4

static void LEVEL(bfloat16_product)(const ckernels_product *g, const float *a, const void *b, float *c) {
  uint32_t packed_a[BF_ROWS * BF_DEPTH / 2] __attribute__((aligned(64)));
  uint32_t packed_b[BF_BLOCKS * BLOCK * BF_DEPTH / 2] __attribute__((aligned(64)));
  LEVEL(tile_shape) shape = {0};
  for (ptrdiff_t row = 0; row < g->rows; row += BF_ROWS) {
    const ptrdiff_t rows = g->rows - row < BF_ROWS ? g->rows - row : BF_ROWS;
    for (ptrdiff_t k = 0; k < g->depth; k += BF_DEPTH) {
      const ptrdiff_t depth = g->depth - k < BF_DEPTH ? g->depth - k : BF_DEPTH, pairs = (depth + 1) / 2;
      const ptrdiff_t stride = LEVEL(rounded)(pairs, TILE_SIDE);
      if (g->transpose_a)
        LEVEL(bf_turn_rows)(a, k * g->a_stride + row, g->a_stride, rows, depth, packed_a, stride, 0);
      else
        LEVEL(bf_pack_rows)(a + row * g->a_stride + k, g->a_stride, rows, depth, packed_a, stride);
      for (ptrdiff_t group = 0; group < g->columns; group += BF_BLOCKS * BLOCK) {
        const ptrdiff_t left = g->columns - group, width = left < BF_BLOCKS * BLOCK ? left : BF_BLOCKS * BLOCK;
        if (g->transpose_b)
          for (ptrdiff_t column = 0; column < width; column += BLOCK)
            LEVEL(bf_pack_columns)((const float *)b + (group + column) * g->b_stride + k, g->b_stride, width - column,
                                   depth, pairs, packed_b + column * pairs);
        else if (g->bfloat16_b)
          LEVEL(bf_pack_blocks)(b, k * g->b_stride + group, g->b_stride, width, depth, packed_b, 1);
        else
          LEVEL(bf_pack_blocks)(b, k * g->b_stride + group, g->b_stride, width, depth, packed_b, 0);
        for (ptrdiff_t column = 0; column < width; column += BLOCK)
          for (ptrdiff_t top = 0; top < rows; top += 2 * TILE_SIDE)
            LEVEL(multiply_tiles)(&shape, (LEVEL(tile_product)){
                                              .a = packed_a + top * stride,
                                              .a_stride = 4 * stride,
                                              .b = packed_b + column * pairs,
                                              .b_stride = 4 * BLOCK,
                                              .segments = 1,
                                              .words = pairs,
                                              .rows = rows - top < 2 * TILE_SIDE ? rows - top : 2 * TILE_SIDE,
                                              .columns = width - column < BLOCK ? width - column : BLOCK,
                                              .adds = k > 0,
                                              .c = c + (row + top) * g->c_stride + group + column,
                                              .c_stride = g->c_stride});
      }
    }
  }
  _tile_release();
}
#else
// Words of `count` lines in groups of `group`, [group][depth / 2][group size], the last group filled up with zeros. Where
// `along` is set, a line's depths are neighbours in memory and lines are `stride` apart; else lines are neighbours and
// depths are `stride` apart.
INLINE void LEVEL(bf_pack)(const float *from, ptrdiff_t stride, int along, ptrdiff_t count, ptrdiff_t depth,
                           const ptrdiff_t group, uint32_t *to) {
  const ptrdiff_t pairs = (depth + 1) / 2;
  for (ptrdiff_t first = 0; first < count; first += group, to += pairs * group) {
    const ptrdiff_t lines = count - first < group ? count - first : group;
    if (lines < group) memset(to, 0, pairs * group * sizeof *to);
    if (along) {
      // A few pairs of all lines at a time, so that what is scattered stays in the cache.
      for (ptrdiff_t pair = 0; pair < pairs; pair += 16) {
        const ptrdiff_t whole = depth / 2 - pair < 16 ? depth / 2 - pair : 16;
        for (ptrdiff_t line = 0; line < lines; line++) {
          const float *source = from + (first + line) * stride + 2 * pair;
          uint32_t *target = to + pair * group + line;
          if (whole == 16) {
            uint32_t words[16];
            for (int i = 0; i < 16; i++) words[i] = LEVEL(bf_word)(source[2 * i], source[2 * i + 1]);
            for (int i = 0; i < 16; i++) target[i * group] = words[i];
          } else {
            for (ptrdiff_t i = 0; i < whole; i++) target[i * group] = LEVEL(bf_word)(source[2 * i], source[2 * i + 1]);
          }
        }
      }
      if (depth & 1)
        for (ptrdiff_t line = 0; line < lines; line++)
          to[(pairs - 1) * group + line] = LEVEL(bf_word)(from[(first + line) * stride + depth - 1], 0);
    } else {
      for (ptrdiff_t pair = 0; pair < pairs; pair++) {
        const float *even = from + 2 * pair * stride + first, *odd = even + stride;
        const int last = 2 * pair + 1 == depth;
        uint32_t *target = to + pair * group;
        ptrdiff_t line = 0;
        for (; line + LANES <= lines; line += LANES) {
          const vector_int words = LEVEL(bf_pairs)(load(even + line), last ? (vector){0} : load(odd + line));
          memcpy(target + line, &words, sizeof words);
        }
        for (; line < lines; line++) target[line] = LEVEL(bf_word)(even[line], last ? 0 : odd[line]);
      }
    }
  }
}

INLINE void LEVEL(bf_tile)(const uint32_t *a, const uint32_t *b, ptrdiff_t pairs, int adds, float *c, ptrdiff_t stride,
                           ptrdiff_t columns, const int rows) {
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = (vector){0};
  for (ptrdiff_t pair = 0; pair < pairs; pair++, a += TILE, b += BLOCK) {
    const vector_int first = (vector_int)load((const float *)b), second = (vector_int)load((const float *)b + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const vector_int value = (vector_int){0} + (int32_t)a[r];
      sums[r][0] = LEVEL(bf_multiply_add)(sums[r][0], value, first);
      sums[r][1] = LEVEL(bf_multiply_add)(sums[r][1], value, second);
    }
  }
  const ptrdiff_t left = columns < LANES ? columns : LANES, right = columns - left;
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    float *to = c + r * stride;
    if (adds) {
      sums[r][0] += partial_load(to, left);
      if (right) sums[r][1] += partial_load(to + LANES, right);
    }
    partial_store(to, sums[r][0], left);
    if (right) partial_store(to + LANES, sums[r][1], right);
  }
}

#define DEFINE_TILE(R)                                                                                              \
  static void LEVEL(bf_tile_##R)(const uint32_t *a, const uint32_t *b, ptrdiff_t pairs, int adds, float *c,         \
                                 ptrdiff_t stride, ptrdiff_t columns) {                                             \
    if (columns == BLOCK)                                                                                           \
      LEVEL(bf_tile)(a, b, pairs, adds, c, stride, BLOCK, R);                                                       \
    else                                                                                                            \
      LEVEL(bf_tile)(a, b, pairs, adds, c, stride, columns, R);                                                     \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE
typedef void (*LEVEL(bf_tile_function))(const uint32_t *, const uint32_t *, ptrdiff_t, int, float *, ptrdiff_t,
                                        ptrdiff_t);
#define NAME_TILE(R) LEVEL(bf_tile_##R),
static const LEVEL(bf_tile_function) LEVEL(bf_tiles)[TILE] = {FOR_EACH_TILE(NAME_TILE)};
#undef NAME_TILE

// What `bf_pack` makes, from bfloat16 where lines are neighbours in memory.
INLINE void LEVEL(bf_pack_halves)(const uint16_t *from, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t depth,
                                  const ptrdiff_t group, uint32_t *to) {
  const ptrdiff_t pairs = (depth + 1) / 2;
  for (ptrdiff_t first = 0; first < count; first += group, to += pairs * group) {
    const ptrdiff_t lines = count - first < group ? count - first : group;
    if (lines < group) memset(to, 0, pairs * group * sizeof *to);
    for (ptrdiff_t pair = 0; pair < pairs; pair++) {
      const uint16_t *even = from + 2 * pair * stride + first, *odd = even + stride;
      const int last = 2 * pair + 1 == depth;
      for (ptrdiff_t line = 0; line < lines; line++)
        to[pair * group + line] = even[line] | (last ? 0 : (uint32_t)odd[line] << 16);
    }
  }
}

static void LEVEL(bfloat16_product)(const ckernels_product *g, const float *a, const void *b, float *c) {
  uint32_t packed_a[BF_ROWS * BF_DEPTH / 2] __attribute__((aligned(64)));
  uint32_t packed_b[BLOCK * BF_DEPTH / 2] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < g->rows; row += BF_ROWS) {
    const ptrdiff_t rows = g->rows - row < BF_ROWS ? g->rows - row : BF_ROWS;
    for (ptrdiff_t k = 0; k < g->depth; k += BF_DEPTH) {
      const ptrdiff_t depth = g->depth - k < BF_DEPTH ? g->depth - k : BF_DEPTH, pairs = (depth + 1) / 2;
      LEVEL(bf_pack)(g->transpose_a ? a + k * g->a_stride + row : a + row * g->a_stride + k, g->a_stride,
                     !g->transpose_a, rows, depth, TILE, packed_a);
      for (ptrdiff_t column = 0; column < g->columns; column += BLOCK) {
        const ptrdiff_t columns = g->columns - column < BLOCK ? g->columns - column : BLOCK;
        const ptrdiff_t from = g->transpose_b ? column * g->b_stride + k : k * g->b_stride + column;
        if (g->bfloat16_b)
          LEVEL(bf_pack_halves)((const uint16_t *)b + from, g->b_stride, columns, depth, BLOCK, packed_b);
        else
          LEVEL(bf_pack)((const float *)b + from, g->b_stride, g->transpose_b, columns, depth, BLOCK, packed_b);
        for (ptrdiff_t tile = 0; tile < rows; tile += TILE) {
          const ptrdiff_t tile_rows = rows - tile < TILE ? rows - tile : TILE;
          LEVEL(bf_tiles)[tile_rows - 1](packed_a + tile * pairs, packed_b, pairs, k > 0,
                                         c + (row + tile) * g->c_stride + column, g->c_stride, columns);
        }
      }
    }
  }
}
#endif
