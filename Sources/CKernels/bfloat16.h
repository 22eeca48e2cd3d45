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

// LANES numbers one after the other, so that neighbours are pairs.
INLINE void LEVEL(bf_store)(uint32_t *to, vector v) {
#if defined(BFLOAT16_INSTRUCTIONS)
  const __m256bh halves = _mm512_cvtneps_pbh((__m512)v);
#else
  typedef uint16_t half_vector __attribute__((vector_size(LANES * 2)));
  const half_vector halves = __builtin_convertvector((vector_word)LEVEL(bf_rounded)(v) >> 16, half_vector);
#endif
  memcpy(to, &halves, sizeof halves);
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

// The words of the numbers i and i + distance; behind the last number there are zeros.
static void LEVEL(bfloat16_pairs)(const float *x, ptrdiff_t count, ptrdiff_t distance, float *pairs) {
  ptrdiff_t i = 0;
  for (; i + distance + LANES <= count; i += LANES)
    store(pairs + i, (vector)LEVEL(bf_pairs)(load(x + i), load(x + i + distance)));
  for (; i < count; i++) {
    const uint32_t word = LEVEL(bf_word)(x[i], i + distance < count ? x[i + distance] : 0);
    memcpy(pairs + i, &word, sizeof word);
  }
}
