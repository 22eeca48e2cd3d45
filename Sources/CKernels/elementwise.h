// Loops over single elements.

static double LEVEL(sum_of_squares)(const float *restrict x, ptrdiff_t count) {
  // Eight double sums side by side: a fixed order that vectorises.
  double sums[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int k = 0; k < 8; k++) sums[k] += (double)x[i + k] * x[i + k];
  for (; i < count; i++) sums[0] += (double)x[i] * x[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

static void LEVEL(relu)(const float *restrict x, ptrdiff_t count, float *restrict y) {
  // The negative ones become 0; a NaN stays, so that errors are seen.
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

static void LEVEL(add_relu)(const float *restrict a, const float *restrict b, ptrdiff_t count, float *restrict y) {
  for (ptrdiff_t i = 0; i < count; i++) {
    const float sum = a[i] + b[i];
    y[i] = sum < 0 ? 0 : sum;
  }
}

static void LEVEL(combination)(const float *restrict a, float alpha, const float *restrict b, float beta,
                               ptrdiff_t count, float *restrict y) {
  if (alpha == 1 && beta == 1)
    for (ptrdiff_t i = 0; i < count; i++) y[i] = a[i] + b[i];
  else
    for (ptrdiff_t i = 0; i < count; i++) y[i] = a[i] * alpha + b[i] * beta;
}

static void LEVEL(product)(const float *restrict a, const float *restrict b, ptrdiff_t count, float *restrict y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = a[i] * b[i];
}

static void LEVEL(scaled)(const float *restrict x, float scale, ptrdiff_t count, float *restrict y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = x[i] * scale;
}

static void LEVEL(bytes_to_float)(const uint8_t *restrict bytes, ptrdiff_t count, float divisor, float *restrict y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = (float)bytes[i] / divisor;
}

#define PHILOX_BLOCKS 64

// Words 4·first_block … of Philox 4×32-10, PHILOX_BLOCKS blocks side by side so that the rounds vectorise.
INLINE void LEVEL(philox)(uint64_t key, uint64_t first_block, uint32_t words[PHILOX_BLOCKS * 4]) {
  uint32_t a[PHILOX_BLOCKS], b[PHILOX_BLOCKS], c[PHILOX_BLOCKS], d[PHILOX_BLOCKS];
  for (int i = 0; i < PHILOX_BLOCKS; i++) {
    const uint64_t block = first_block + (uint64_t)i;
    a[i] = (uint32_t)block;
    b[i] = (uint32_t)(block >> 32);
    c[i] = 0;
    d[i] = 0;
  }
  uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < PHILOX_BLOCKS; i++) {
      const uint64_t first = 0xD2511F53ull * a[i], second = 0xCD9E8D57ull * c[i];
      a[i] = (uint32_t)(second >> 32) ^ b[i] ^ low;
      c[i] = (uint32_t)(first >> 32) ^ d[i] ^ high;
      b[i] = (uint32_t)second;
      d[i] = (uint32_t)first;
    }
    low += 0x9E3779B9u;
    high += 0xBB67AE85u;
  }
  for (int i = 0; i < PHILOX_BLOCKS; i++) {
    words[4 * i] = a[i];
    words[4 * i + 1] = b[i];
    words[4 * i + 2] = c[i];
    words[4 * i + 3] = d[i];
  }
}

static void LEVEL(dropout)(const float *restrict x, ptrdiff_t count, uint64_t key, uint64_t first, uint32_t threshold,
                           float scale, float *restrict y) {
  uint32_t words[PHILOX_BLOCKS * 4];
  for (ptrdiff_t start = 0; start < count; start += PHILOX_BLOCKS * 4) {
    const ptrdiff_t size = count - start < PHILOX_BLOCKS * 4 ? count - start : PHILOX_BLOCKS * 4;
    LEVEL(philox)(key, (first + (uint64_t)start) / 4, words);
    for (ptrdiff_t i = 0; i < size; i++) y[start + i] = words[i] < threshold ? x[start + i] * scale : 0;
  }
}
