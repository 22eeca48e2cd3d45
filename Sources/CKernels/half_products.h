// Products of a few rows with a matrix of half-width floats (IEEE binary16), for inference: there a dense layer reads
// each weight only once, so that memory sets the pace and half the bytes take half the time.
//
// Weights [K, N] lie in blocks of HALF_BLOCK columns, [block][K][HALF_BLOCK], so that each thread reads one stream.
// Arithmetic is in float.

#if defined(__x86_64__) && LANES > 4
  #define HALF_BLOCK (4 * LANES)
  #define HALF_ROWS 4

  #if LANES == 16
INLINE vector LEVEL(load_half)(const uint16_t *p) { return (vector)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p)); }
INLINE void LEVEL(store_half)(uint16_t *p, vector v) {
  _mm256_storeu_si256((void *)p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
  #else
INLINE vector LEVEL(load_half)(const uint16_t *p) { return (vector)_mm256_cvtph_ps(_mm_loadu_si128((const void *)p)); }
INLINE void LEVEL(store_half)(uint16_t *p, vector v) {
  _mm_storeu_si128((void *)p, _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}
  #endif

static int LEVEL(half_pack)(const float *w, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last,
                            uint16_t *packed) {
  vector_int too_large = {0};
  for (ptrdiff_t block = first; block < last; block++) {
    const ptrdiff_t left = columns - block * HALF_BLOCK;
    for (ptrdiff_t k = 0; k < rows; k++)
      for (ptrdiff_t v = 0; v < HALF_BLOCK; v += LANES) {
        const ptrdiff_t rest = left - v, valid = rest < 0 ? 0 : rest < LANES ? rest : LANES;
        const vector value = partial_load(w + k * columns + block * HALF_BLOCK + v, valid);
        too_large |= (vector_int)(value > splat(65504)) | (vector_int)(value < splat(-65504));
        LEVEL(store_half)(packed + (block * rows + k) * HALF_BLOCK + v, value);
      }
  }
  for (int i = 0; i < LANES; i++)
    if (too_large[i]) return 0;
  return 1;
}

// The columns of one block for up to HALF_ROWS rows of x.
INLINE void LEVEL(half_block)(const float *x, ptrdiff_t depth, const uint16_t *w, ptrdiff_t columns, ptrdiff_t valid,
                              float *y, const int rows) {
  vector sums[HALF_ROWS][4];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 4; v++) sums[r][v] = (vector){0};
  for (ptrdiff_t k = 0; k < depth; k++, w += HALF_BLOCK) {
    vector weights[4];
  #pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++) weights[v] = LEVEL(load_half)(w + v * LANES);
  #pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const vector value = splat(x[r * depth + k]);
  #pragma clang loop unroll(full)
      for (int v = 0; v < 4; v++) sums[r][v] += value * weights[v];
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 4; v++) {
      const ptrdiff_t left = valid - v * LANES;
      if (left > 0) partial_store(y + r * columns + v * LANES, sums[r][v], left < LANES ? left : LANES);
    }
}

static void LEVEL(half_product)(const float *x, ptrdiff_t rows, ptrdiff_t depth, const uint16_t *w, ptrdiff_t columns,
                                ptrdiff_t first, ptrdiff_t last, float *y) {
  for (ptrdiff_t block = first; block < last; block++) {
    const ptrdiff_t left = columns - block * HALF_BLOCK, valid = left < HALF_BLOCK ? left : HALF_BLOCK;
    const uint16_t *weights = w + block * depth * HALF_BLOCK;
    float *out = y + block * HALF_BLOCK;
    switch (rows) {
      case 1: LEVEL(half_block)(x, depth, weights, columns, valid, out, 1); break;
      case 2: LEVEL(half_block)(x, depth, weights, columns, valid, out, 2); break;
      case 3: LEVEL(half_block)(x, depth, weights, columns, valid, out, 3); break;
      default: LEVEL(half_block)(x, depth, weights, columns, valid, out, 4); break;
    }
  }
}
#else
  // Without vector conversions the float weights are faster.
  #define HALF_BLOCK 0
  #define HALF_ROWS 0
#endif
