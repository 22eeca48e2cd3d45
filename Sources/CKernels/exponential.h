// The exponential function of vectors: of floats, and of doubles as a fraction and an exponent of any size.
//
// Both as e^x = 2^n · e^r with n = round(x / ln 2), so that |r| ≤ ln(2)/2, and the Taylor series of e^r.

typedef double vector_double __attribute__((vector_size(LANES * 4), aligned(8), may_alias));
typedef int64_t vector_long __attribute__((vector_size(LANES * 4)));
typedef uint64_t vector_long_word __attribute__((vector_size(LANES * 4)));
// As many floats as there are doubles in a vector.
typedef float vector_half __attribute__((vector_size(LANES * 2), aligned(4), may_alias));

#define DOUBLE_LANES (LANES / 2)

INLINE vector_double load_double(const double *p) { return *(const vector_double *)p; }
INLINE void store_double(double *p, vector_double v) { *(vector_double *)p = v; }
INLINE vector_double splat_double(double x) { return x - (vector_double){0}; }
INLINE vector_double choose_double(vector_long mask, vector_double yes, vector_double no) {
  return (vector_double)(((vector_long)yes & mask) | ((vector_long)no & ~mask));
}

// e^x, at most 1.2 units in the last place off: 0 and infinity where a float ends, subnormal numbers before that; a NaN
// stays.
INLINE vector LEVEL(exponential)(vector x) {
  // Beyond these e^x is 0 or infinity, and n no longer fits.
  x = choose((vector_int)(x > splat(89)), splat(89), x);
  x = choose((vector_int)(x < splat(-104)), splat(-104), x);
  // Among numbers of this size the unit in the last place is 1: adding it rounds, and leaves n in the lowest bits.
  const vector round = splat(0x1.8p23f);
  const vector shifted = x * 1.44269504f + round;
  const vector n = shifted - round;
  // ln 2 in two parts, of which the first has so few bits that its product with n is exact.
  const vector r = (x - n * (355.0f / 512)) - n * -2.12194440e-4f;
  vector y = splat(1.0f / 5040);
  y = y * r + 1.0f / 720;
  y = y * r + 1.0f / 120;
  y = y * r + 1.0f / 24;
  y = y * r + 1.0f / 6;
  y = y * r + 0.5f;
  y = y * r + 1.0f;
  y = y * r + 1.0f;
  // 2^n in two factors, since n reaches past the exponents that a float has.
  const vector_int exponent = (vector_int)shifted - (vector_int)round;
  const vector_int first = exponent >> 1, second = exponent - first;
  return y * (vector)((first + 127) << 23) * (vector)((second + 127) << 23);
}

// e^x = fraction · 2^exponent for finite x, with a whole exponent and the fraction in 0.7 ... 1.42.
INLINE void LEVEL(exponential_parts)(vector_double x, vector_double *fraction, vector_double *exponent) {
  const vector_double round = splat_double(0x1.8p52), whole = x * 1.4426950408889634;
  vector_double n = (whole + round) - round;
  // Numbers from 2^51 on have no digits left to round away.
  const vector_long small = (vector_long)(whole < splat_double(0x1p51)) & (vector_long)(whole > splat_double(-0x1p51));
  n = choose_double(small, n, whole);
  // ln 2 in two parts, of which the first has so few bits that its product with n < 2^20 is exact.
  vector_double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  // So far away only the exponent counts: there the remainder is what rounding made of it.
  const vector_long near = (vector_long)(r < splat_double(0.5)) & (vector_long)(r > splat_double(-0.5));
  r = choose_double(near, r, splat_double(0));
  vector_double y = splat_double(1.0 / 6227020800);
  y = y * r + 1.0 / 479001600;
  y = y * r + 1.0 / 39916800;
  y = y * r + 1.0 / 3628800;
  y = y * r + 1.0 / 362880;
  y = y * r + 1.0 / 40320;
  y = y * r + 1.0 / 5040;
  y = y * r + 1.0 / 720;
  y = y * r + 1.0 / 120;
  y = y * r + 1.0 / 24;
  y = y * r + 1.0 / 6;
  y = y * r + 0.5;
  y = y * r + 1.0;
  *fraction = y * r + 1.0;
  *exponent = n;
}
