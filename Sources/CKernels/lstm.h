// The gates of a long short-term memory (LSTM) and their gradient, for one step of some sequences.

// e^y − 1 = whole + scale · part for |y| ≤ 88, with scale = 2^n, whole = 2^n − 1 and part = e^r − 1, where y = n·ln 2 + r and
// |r| ≤ ln 2 / 2. The polynomial is a Chebyshev fit with an error of 2.5e-8.
typedef struct {
  vector scale, part;
} LEVEL(gate_exponential);
INLINE LEVEL(gate_exponential) LEVEL(gate_exponential_of)(vector y) {
  // Adding 1.5 · 2²³ rounds to a whole number, which then stands in the low bits.
  const vector magic = splat(12582912.0f), shifted = y * 1.44269504f + magic, n = shifted - magic;
  // ln 2 in two parts, the first of which has few bits, so that its products are exact.
  const vector r = (y - n * 0.693359375f) - n * -2.12194440e-4f;
  vector q = splat(0.0013933652f);
  q = q * r + 0.0083631817f;
  q = q * r + 0.041666467f;
  q = q * r + 0.16666576f;
  q = q * r + 0.5f;
  return (LEVEL(gate_exponential)){(vector)(((vector_word)shifted << 23) + 0x3F800000), (r * r) * q + r};
}

// Comparisons with a NaN are false, so that it stays.
INLINE vector LEVEL(limited)(vector v, float least, float most) {
  v = choose(v < least, splat(least), v);
  return choose(v > most, splat(most), v);
}

INLINE vector LEVEL(logistic)(vector x) {
  const LEVEL(gate_exponential) e = LEVEL(gate_exponential_of)(LEVEL(limited)(-x, -88, 88));
  return 1 / (1 + (e.scale + e.scale * e.part));
}

// tanh |x| = −(e^(−2|x|) − 1) / (e^(−2|x|) + 1), with the sign of x: no difference of nearly equal numbers near 0.
INLINE vector LEVEL(hyperbolic_tangent)(vector x) {
  const vector_int sign = (vector_int)x & (vector_int)splat(-0.0f);
  const vector magnitude = (vector)((vector_int)x ^ sign);
  const LEVEL(gate_exponential) e = LEVEL(gate_exponential_of)(LEVEL(limited)(magnitude * -2, -88, 0));
  const vector less = e.scale * e.part + (e.scale - 1), result = -less / (less + 2);
  return (vector)((vector_int)result | sign);
}

INLINE void LEVEL(gates_of_units)(const ckernels_lstm *g, const ckernels_lstm_step *s, ptrdiff_t row, ptrdiff_t unit,
                                  const ptrdiff_t valid) {
  const float *z = s->z + row * s->z_stride + unit;
  const vector i = LEVEL(logistic)(partial_load(z, valid)), f = LEVEL(logistic)(partial_load(z + g->units, valid));
  const vector n = LEVEL(hyperbolic_tangent)(partial_load(z + 2 * g->units, valid));
  const vector o = LEVEL(logistic)(partial_load(z + 3 * g->units, valid));
  vector c = i * n;
  if (s->previous_cells) c += f * partial_load(s->previous_cells + row * s->previous_stride + unit, valid);
  const vector h = o * LEVEL(hyperbolic_tangent)(c);
  partial_store(s->cells + row * s->cell_stride + unit, c, valid);
  partial_store(s->y + row * s->y_stride + unit, h, valid);
  if (s->gates) {
    float *gates = s->gates + row * s->gate_stride + unit;
    partial_store(gates, i, valid);
    partial_store(gates + g->units, f, valid);
    partial_store(gates + 2 * g->units, n, valid);
    partial_store(gates + 3 * g->units, o, valid);
  }
  if (s->rounded)
    LEVEL(store_bfloat16)((uint16_t *)(s->rounded + row * ((g->units + 1) / 2)) + unit, h, valid);
}

static void LEVEL(lstm_gates)(const ckernels_lstm *g, const ckernels_lstm_step *s) {
  for (ptrdiff_t row = 0; row < g->rows; row++) {
    ptrdiff_t unit = 0;
    for (; unit + LANES <= g->units; unit += LANES) LEVEL(gates_of_units)(g, s, row, unit, LANES);
    if (unit < g->units) LEVEL(gates_of_units)(g, s, row, unit, g->units - unit);
  }
}

INLINE void LEVEL(gate_gradients_of_units)(const ckernels_lstm *g, const ckernels_lstm_gradient_step *s, ptrdiff_t row,
                                           ptrdiff_t unit, const ptrdiff_t valid) {
  const float *gates = s->gates + row * s->gate_stride + unit;
  const vector i = partial_load(gates, valid), f = partial_load(gates + g->units, valid);
  const vector n = partial_load(gates + 2 * g->units, valid), o = partial_load(gates + 3 * g->units, valid);
  const vector t = LEVEL(hyperbolic_tangent)(partial_load(s->cells + row * s->cell_stride + unit, valid));
  const vector before = s->previous_cells ? partial_load(s->previous_cells + row * s->cell_stride + unit, valid)
                                          : (vector){0};
  float *carried = s->dc + row * g->units + unit;
  const vector dh = partial_load(s->dy + row * s->dy_stride + unit, valid) +
                    partial_load(s->dh + row * g->units + unit, valid);
  const vector dc = partial_load(carried, valid) + dh * o * (1 - t * t);
  partial_store(carried, dc * f, valid);
  const vector slopes[4] = {dc * n * (i - i * i), dc * before * (f - f * f), dc * i * (1 - n * n),
                            dh * t * (o - o * o)};
#pragma clang loop unroll(full)
  for (int gate = 0; gate < 4; gate++) {
    const ptrdiff_t column = gate * g->units + unit;
    float *sums = s->sums + row * 4 * g->units + column;
    partial_store(sums, partial_load(sums, valid) + slopes[gate], valid);
    if (s->rounded) {
      LEVEL(store_bfloat16)((uint16_t *)(s->rounded + row * 2 * g->units) + column, slopes[gate], valid);
      LEVEL(store_bfloat16)((uint16_t *)s->dz + row * s->dz_stride + column, slopes[gate], valid);
    } else {
      partial_store((float *)s->dz + row * s->dz_stride + column, slopes[gate], valid);
    }
  }
}

static void LEVEL(lstm_gate_gradients)(const ckernels_lstm *g, const ckernels_lstm_gradient_step *s) {
  for (ptrdiff_t row = 0; row < g->rows; row++) {
    ptrdiff_t unit = 0;
    for (; unit + LANES <= g->units; unit += LANES) LEVEL(gate_gradients_of_units)(g, s, row, unit, LANES);
    if (unit < g->units) LEVEL(gate_gradients_of_units)(g, s, row, unit, g->units - unit);
  }
}
