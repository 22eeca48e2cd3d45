// Products of bfloat16 by the tile registers of AMX: eight registers of 16 rows × 16 words of 32 bits each.
//
// One instruction adds to a tile of c, 16 × 16 floats, the product of a tile of a, 16 rows × 16 words of the depth, and one of
// b, 16 words of the depth × 16 columns; a word is a pair of bfloat16, as everywhere here. Registers 0 to 3 hold 32 × 32
// numbers of c, 4 and 5 the rows of a, 6 and 7 the columns of b, so that four products follow four loads.
//
// Where a size is no multiple of 16 the registers are told smaller shapes, which takes some dozens of cycles; a depth is
// therefore cut into steps of equal length where that goes. Kernels give the registers back before they return, so that the
// system has less to save when it switches threads.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.

#define TILE_SIDE 16

// The numbers of rows (of the upper and of the lower tile) and of words of the depth that the registers are told.
typedef struct {
  int upper, lower, words;
} LEVEL(tile_shape);

INLINE void LEVEL(shape_tiles)(LEVEL(tile_shape) *shape, int rows, int words) {
  const int upper = rows < TILE_SIDE ? rows : TILE_SIDE, lower = rows - upper;
  if (shape->upper == upper && shape->lower == lower && shape->words == words) return;
  *shape = (LEVEL(tile_shape)){upper, lower, words};
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } configuration __attribute__((aligned(64))) = {.palette = 1};
  const int register_rows[8] = {upper, upper, lower, lower, upper, lower, words, words};
  for (int i = 0; i < 8; i++) {
    configuration.rows[i] = (uint8_t)register_rows[i];
    // A register without rows has no columns either.
    configuration.row_bytes[i] = register_rows[i] == 0 ? 0 : i == 4 || i == 5 ? (uint16_t)(4 * words) : 64;
  }
  _tile_loadconfig(&configuration);
}

// c [rows, columns] = Σ a · b [+ bias] [+ c] with up to 32 rows and columns. The depth has `segments` of `words` each,
// which lie `a_segment` and `b_segment` bytes apart; strides are bytes from row to row, but those of c floats. 16 or 32 columns
// of b are read.
typedef struct {
  const void *a;
  ptrdiff_t a_stride, a_segment;
  const void *b;
  ptrdiff_t b_stride, b_segment;
  ptrdiff_t segments, words, rows, columns;
  const float *bias;
  int adds;
  float *c;
  ptrdiff_t c_stride;
} LEVEL(tile_product);

// The words first ..< first + steps · words of each segment, with constants for what the registers take part in.
INLINE void LEVEL(multiply_part)(const LEVEL(tile_product) *p, ptrdiff_t first, ptrdiff_t steps, ptrdiff_t words,
                                 const float *start, ptrdiff_t start_stride, float *c, ptrdiff_t c_stride, const int lower,
                                 const int right) {
  if (start) {
    const ptrdiff_t stride = start_stride * (ptrdiff_t)sizeof(float);
    _tile_loadd(0, start, stride);
    if (right) _tile_loadd(1, start + TILE_SIDE, stride);
    if (lower) _tile_loadd(2, start + TILE_SIDE * start_stride, stride);
    if (lower && right) _tile_loadd(3, start + TILE_SIDE * start_stride + TILE_SIDE, stride);
  } else {
    _tile_zero(0);
    if (right) _tile_zero(1);
    if (lower) _tile_zero(2);
    if (lower && right) _tile_zero(3);
  }
  const ptrdiff_t b_stride = p->b_stride;
  for (ptrdiff_t segment = 0; segment < p->segments; segment++) {
    const char *a = (const char *)p->a + segment * p->a_segment + 4 * first;
    const char *b = (const char *)p->b + segment * p->b_segment + first * b_stride;
    for (ptrdiff_t step = 0; step < steps; step++, a += 4 * words, b += words * b_stride) {
      _tile_loadd(6, b, b_stride);
      if (right) _tile_loadd(7, b + 64, b_stride);
      _tile_loadd(4, a, p->a_stride);
      _tile_dpbf16ps(0, 4, 6);
      if (right) _tile_dpbf16ps(1, 4, 7);
      if (lower) {
        _tile_loadd(5, a + TILE_SIDE * p->a_stride, p->a_stride);
        _tile_dpbf16ps(2, 5, 6);
        if (right) _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
  const ptrdiff_t stride = c_stride * (ptrdiff_t)sizeof(float);
  _tile_stored(0, c, stride);
  if (right) _tile_stored(1, c + TILE_SIDE, stride);
  if (lower) _tile_stored(2, c + TILE_SIDE * c_stride, stride);
  if (lower && right) _tile_stored(3, c + TILE_SIDE * c_stride + TILE_SIDE, stride);
}

static void LEVEL(multiply_steps)(LEVEL(tile_shape) *shape, const LEVEL(tile_product) *p, ptrdiff_t first,
                                  ptrdiff_t steps, ptrdiff_t words) {
  LEVEL(shape_tiles)(shape, (int)p->rows, (int)words);
  const int lower = p->rows > TILE_SIDE, right = p->columns > TILE_SIDE;
  const int whole = p->columns == TILE_SIDE || p->columns == 2 * TILE_SIDE;
  // What can't be written as it is goes through memory of its own.
  const int direct = whole && !(p->bias && p->adds);
  float sums[2 * TILE_SIDE * 2 * TILE_SIDE] __attribute__((aligned(64)));
  float *c = direct ? p->c : sums;
  const ptrdiff_t c_stride = direct ? p->c_stride : 2 * TILE_SIDE;
  const float *start = !direct ? NULL : p->adds ? p->c : p->bias;
  // The bias is the same for all rows.
  const ptrdiff_t start_stride = p->adds ? p->c_stride : 0;
  if (lower && right)
    LEVEL(multiply_part)(p, first, steps, words, start, start_stride, c, c_stride, 1, 1);
  else if (lower)
    LEVEL(multiply_part)(p, first, steps, words, start, start_stride, c, c_stride, 1, 0);
  else if (right)
    LEVEL(multiply_part)(p, first, steps, words, start, start_stride, c, c_stride, 0, 1);
  else
    LEVEL(multiply_part)(p, first, steps, words, start, start_stride, c, c_stride, 0, 0);
  if (direct) return;
  for (ptrdiff_t lane = 0; lane < p->columns; lane += LANES) {
    const ptrdiff_t left = p->columns - lane, valid = left < LANES ? left : LANES;
    const vector offset = p->bias ? partial_load(p->bias + lane, valid) : (vector){0};
    for (ptrdiff_t row = 0; row < p->rows; row++) {
      float *to = p->c + row * p->c_stride + lane;
      vector sum = load(sums + row * 2 * TILE_SIDE + lane) + offset;
      if (p->adds) sum += partial_load(to, valid);
      partial_store(to, sum, valid);
    }
  }
}

// The caller gives the registers back with `_tile_release` after its last product.
INLINE void LEVEL(multiply_tiles)(LEVEL(tile_shape) *shape, LEVEL(tile_product) product) {
  const ptrdiff_t steps = (product.words + TILE_SIDE - 1) / TILE_SIDE, words = (product.words + steps - 1) / steps;
  const ptrdiff_t last = product.words - (steps - 1) * words;
  if (last == words) {
    LEVEL(multiply_steps)(shape, &product, 0, steps, words);
    return;
  }
  LEVEL(tile_product) part = product;
  LEVEL(multiply_steps)(shape, &part, 0, steps - 1, words);
  part.bias = NULL, part.adds = 1;
  LEVEL(multiply_steps)(shape, &part, (steps - 1) * words, 1, last);
}

// The smallest number of words, from `words` on, that is cut into equal steps.
INLINE ptrdiff_t LEVEL(even_words)(ptrdiff_t words) {
  const ptrdiff_t steps = (words + TILE_SIDE - 1) / TILE_SIDE;
  return steps == 0 ? 0 : (words + steps - 1) / steps * steps;
}

// The 16 × 16 words of `rows` become `columns`.
INLINE void LEVEL(transpose_words)(const __m512i rows[16], __m512i columns[16]) {
  __m512i a[16], b[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  // Now b[4 i + j] holds column j of rows 4 i … 4 i + 3 in its first quarter, column 4 + j in its second, and so on.
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const __m512i even01 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0x88), odd01 = _mm512_shuffle_i32x4(b[j], b[4 + j], 0xDD);
    const __m512i even23 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0x88);
    const __m512i odd23 = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0xDD);
    columns[j] = _mm512_shuffle_i32x4(even01, even23, 0x88);
    columns[8 + j] = _mm512_shuffle_i32x4(even01, even23, 0xDD);
    columns[4 + j] = _mm512_shuffle_i32x4(odd01, odd23, 0x88);
    columns[12 + j] = _mm512_shuffle_i32x4(odd01, odd23, 0xDD);
  }
}
