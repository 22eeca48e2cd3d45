// Products of a few rows with a matrix of float16 numbers (IEEE binary16), for inference: there a dense layer reads
// each weight only once, so that memory sets the pace and half the bytes take half the time.
//
// Weights [K, N] lie in blocks of FLOAT16_BLOCK columns, [block][K][FLOAT16_BLOCK], so that each thread reads one stream.
// Arithmetic is in float. The weights are scaled by a power of two, and the results back, so that neither large nor small ones
// leave the range of float16.

#if defined(__x86_64__) && LANES > 4
  #define FLOAT16_BLOCK (4 * LANES)
  #define FLOAT16_ROWS 4

  #if LANES == 16
INLINE vector LEVEL(load_float16)(const uint16_t *p) { return (vector)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p)); }
INLINE void LEVEL(store_float16)(uint16_t *p, vector v) {
  _mm256_storeu_si256((void *)p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
  #else
INLINE vector LEVEL(load_float16)(const uint16_t *p) { return (vector)_mm256_cvtph_ps(_mm_loadu_si128((const void *)p)); }
INLINE void LEVEL(store_float16)(uint16_t *p, vector v) {
  _mm_storeu_si128((void *)p, _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}
  #endif

static void LEVEL(float16_pack)(const float *w, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last,
                                float scale, uint16_t *packed) {
  for (ptrdiff_t block = first; block < last; block++) {
    const ptrdiff_t left = columns - block * FLOAT16_BLOCK;
    for (ptrdiff_t k = 0; k < rows; k++)
      for (ptrdiff_t v = 0; v < FLOAT16_BLOCK; v += LANES) {
        const ptrdiff_t rest = left - v, valid = rest < 0 ? 0 : rest < LANES ? rest : LANES;
        const vector value = partial_load(w + k * columns + block * FLOAT16_BLOCK + v, valid) * scale;
        LEVEL(store_float16)(packed + (block * rows + k) * FLOAT16_BLOCK + v, value);
      }
  }
}

// The columns of one block for up to FLOAT16_ROWS rows of x.
INLINE void LEVEL(float16_block)(const float *x, ptrdiff_t depth, const uint16_t *w, ptrdiff_t columns, ptrdiff_t valid,
                                 float scale, float *y, const int rows) {
  vector sums[FLOAT16_ROWS][4];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 4; v++) sums[r][v] = (vector){0};
  for (ptrdiff_t k = 0; k < depth; k++, w += FLOAT16_BLOCK) {
    vector weights[4];
  #pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++) weights[v] = LEVEL(load_float16)(w + v * LANES);
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
      if (left > 0) partial_store(y + r * columns + v * LANES, sums[r][v] * scale, left < LANES ? left : LANES);
    }
}

static void LEVEL(float16_product)(const float *x, ptrdiff_t rows, ptrdiff_t depth, const uint16_t *w, ptrdiff_t columns,
                                ptrdiff_t first, ptrdiff_t last, float scale, float *y) {
  for (ptrdiff_t block = first; block < last; block++) {
    const ptrdiff_t left = columns - block * FLOAT16_BLOCK, valid = left < FLOAT16_BLOCK ? left : FLOAT16_BLOCK;
    const uint16_t *weights = w + block * depth * FLOAT16_BLOCK;
    float *out = y + block * FLOAT16_BLOCK;
    switch (rows) {
      case 1: LEVEL(float16_block)(x, depth, weights, columns, valid, scale, out, 1); break;
      case 2: LEVEL(float16_block)(x, depth, weights, columns, valid, scale, out, 2); break;
      case 3: LEVEL(float16_block)(x, depth, weights, columns, valid, scale, out, 3); break;
      default: LEVEL(float16_block)(x, depth, weights, columns, valid, scale, out, 4); break;
    }
  }
}
#else
  // Without vector conversions the float weights are faster.
  #define FLOAT16_BLOCK 0
  #define FLOAT16_ROWS 0
#endif
