// Numbers rounded to bfloat16 (the upper half of a float, to nearest even), two in a 32-bit word, and sums of their products
// in float.
//
// AVX512-BF16 multiplies and adds 16 pairs at once: AMD's processors do so as fast as 16 floats, Intel's half as fast, but these
// have tile registers (matrix_tiles.h). The other levels widen the pairs again, for the same results within the sums' rounding.

#if defined(BFLOAT16_INSTRUCTIONS)
INLINE vector LEVEL(bf_multiply_add)(vector sum, vector_int a, vector_int b) {
  return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#else
INLINE vector LEVEL(bf_multiply_add)(vector sum, vector_int a, vector_int b) {
  const vector_int upper = (vector_int){0} + (int32_t)0xFFFF0000;
  sum += (vector)(a << 16) * (vector)(b << 16);
  return sum + (vector)(a & upper) * (vector)(b & upper);
}
#endif

// Rounds to bfloat16 in the upper half of each lane. A NaN stays one.
INLINE vector_int LEVEL(bf_rounded)(vector v) {
  const vector_int bits = (vector_int)v, upper = (vector_int){0} + (int32_t)0xFFFF0000;
  const vector_int odd = (vector_int)((vector_word)bits >> 16) & 1;
  const vector_int rounded = (bits + (odd + 0x7FFF)) & upper, nan = (vector_int)(v != v);
  return (rounded & ~nan) | (((bits | 0x00400000) & upper) & nan);
}

// The words of an even (low half) and an odd depth (high half).
INLINE vector_int LEVEL(bf_pairs)(vector even, vector odd) {
#if defined(BFLOAT16_INSTRUCTIONS)
  // The instruction gives all of the one and then all of the other. It takes numbers below 2⁻¹²⁶ for zero, but so does the
  // one that multiplies.
  typedef int16_t halves __attribute__((vector_size(64)));
  const halves one_by_one = (halves)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
  return (vector_int)__builtin_shufflevector(one_by_one, one_by_one, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                                             8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#else
  return (vector_int)((vector_word)LEVEL(bf_rounded)(even) >> 16) | LEVEL(bf_rounded)(odd);
#endif
}

typedef uint16_t LEVEL(halves) __attribute__((vector_size(LANES * 2)));

INLINE LEVEL(halves) LEVEL(bf_halves)(vector v) {
#if defined(BFLOAT16_INSTRUCTIONS)
  return (LEVEL(halves))_mm512_cvtneps_pbh((__m512)v);
#else
  return __builtin_convertvector((vector_word)LEVEL(bf_rounded)(v) >> 16, LEVEL(halves));
#endif
}
INLINE vector LEVEL(bf_widened)(LEVEL(halves) halves) {
  return (vector)(__builtin_convertvector(halves, vector_word) << 16);
}
// The first `valid` bfloat16 from number `at` on, 0 to LANES; the others are zero.
INLINE LEVEL(halves) LEVEL(load_halves)(const void *x, ptrdiff_t at, ptrdiff_t valid) {
  LEVEL(halves) halves = {0};
  if (valid == LANES)
    memcpy(&halves, (const uint16_t *)x + at, sizeof halves);
  else if (valid > 0)
    memcpy(&halves, (const uint16_t *)x + at, (size_t)valid * sizeof(uint16_t));
  return halves;
}

// LANES numbers one after the other, so that neighbours are pairs.
INLINE void LEVEL(bf_store)(void *to, vector v) {
  const LEVEL(halves) halves = LEVEL(bf_halves)(v);
  memcpy(to, &halves, sizeof halves);
}

// The first `valid` numbers from number `at` on of x, which holds floats or, where `narrow`, bfloat16.
INLINE vector LEVEL(load_numbers)(const void *x, ptrdiff_t at, ptrdiff_t valid, const int narrow) {
  return narrow ? LEVEL(bf_widened)(LEVEL(load_halves)(x, at, valid)) : partial_load((const float *)x + at, valid);
}
// The words of numbers from `even` on in the low halves and of those from `odd` on in the high ones.
INLINE vector_int LEVEL(load_pairs)(const void *x, ptrdiff_t even, ptrdiff_t even_valid, ptrdiff_t odd, ptrdiff_t odd_valid,
                                    const int narrow) {
  if (!narrow)
    return LEVEL(bf_pairs)(partial_load((const float *)x + even, even_valid), partial_load((const float *)x + odd, odd_valid));
  const LEVEL(halves) low = LEVEL(load_halves)(x, even, even_valid), high = LEVEL(load_halves)(x, odd, odd_valid);
  return (vector_int)(__builtin_convertvector(low, vector_word) | __builtin_convertvector(high, vector_word) << 16);
}
INLINE void LEVEL(store_numbers)(void *x, ptrdiff_t at, vector v, ptrdiff_t valid, const int narrow) {
  if (!narrow) {
    partial_store((float *)x + at, v, valid);
    return;
  }
  const LEVEL(halves) halves = LEVEL(bf_halves)(v);
  if (valid == LANES)
    memcpy((uint16_t *)x + at, &halves, sizeof halves);
  else
    memcpy((uint16_t *)x + at, &halves, (size_t)valid * sizeof(uint16_t));
}
INLINE float LEVEL(number)(const void *x, ptrdiff_t at, const int narrow) {
  if (!narrow) return ((const float *)x)[at];
  const uint32_t bits = (uint32_t)((const uint16_t *)x)[at] << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

INLINE uint32_t LEVEL(bf_bits)(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16, nan = (bits | 0x00400000) >> 16;
  return x != x ? nan : rounded;
}
INLINE uint32_t LEVEL(bf_word)(float even, float odd) { return LEVEL(bf_bits)(even) | LEVEL(bf_bits)(odd) << 16; }

// sum + value · numbers, of a float that all lanes share or, where `narrow`, of a pair of bfloat16.
INLINE vector LEVEL(add_product)(vector sum, const float *value, vector numbers, const int narrow) {
  if (!narrow) return sum + splat(*value) * numbers;
  int32_t pair;
  memcpy(&pair, value, sizeof pair);
  return LEVEL(bf_multiply_add)(sum, (vector_int){0} + pair, (vector_int)numbers);
}

// How many of `valid` numbers from i on there are where x ends at `count`.
INLINE ptrdiff_t LEVEL(numbers_left)(ptrdiff_t i, ptrdiff_t count, ptrdiff_t valid) {
  const ptrdiff_t left = count - i;
  return left < 0 ? 0 : left < valid ? left : valid;
}

INLINE void LEVEL(bfloat16_pairs_any)(const void *x, ptrdiff_t count, ptrdiff_t distance, ptrdiff_t lead, float *pairs,
                                      const int narrow) {
  pairs += lead;
  ptrdiff_t i = -lead;
  while (i < 0) {
    const ptrdiff_t valid = -i < LANES ? -i : LANES, odd = LEVEL(numbers_left)(i + distance, count, valid);
    partial_store(pairs + i, (vector)LEVEL(load_pairs)(x, 0, 0, i + distance, odd, narrow), valid);
    i += valid;
  }
  for (; i + distance + LANES <= count; i += LANES)
    store(pairs + i, (vector)LEVEL(load_pairs)(x, i, LANES, i + distance, LANES, narrow));
  for (; i < count; i += LANES) {
    const ptrdiff_t valid = count - i < LANES ? count - i : LANES, odd = LEVEL(numbers_left)(i + distance, count, valid);
    partial_store(pairs + i, (vector)LEVEL(load_pairs)(x, i, valid, i + distance, odd, narrow), valid);
  }
}

// The words of the numbers i and i + distance from i = -lead on; before the first and behind the last number there are zeros.
static void LEVEL(bfloat16_pairs)(const void *x, int bfloat16, ptrdiff_t count, ptrdiff_t distance, ptrdiff_t lead,
                                  float *pairs) {
  if (bfloat16)
    LEVEL(bfloat16_pairs_any)(x, count, distance, lead, pairs, 1);
  else
    LEVEL(bfloat16_pairs_any)(x, count, distance, lead, pairs, 0);
}
