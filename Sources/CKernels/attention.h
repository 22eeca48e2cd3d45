// Softmax over the rows of a matrix and its gradient, for attention.

// The sum of a vector's lanes.
INLINE float LEVEL(lane_sum)(vector v) {
  float sum = 0;
  for (int i = 0; i < LANES; i++) sum += v[i];
  return sum;
}

static void LEVEL(softmax_rows)(float *x, ptrdiff_t rows, ptrdiff_t columns, float scale) {
  const ptrdiff_t whole = columns / LANES * LANES, rest = columns - whole;
  for (ptrdiff_t row = 0; row < rows; row++, x += columns) {
    float largest = x[0];
    if (whole) {
      vector most = load(x);
      for (ptrdiff_t c = LANES; c < whole; c += LANES) {
        const vector v = load(x + c);
        most = choose((vector_int)(v > most), v, most);
      }
      for (int i = 0; i < LANES; i++) largest = most[i] > largest ? most[i] : largest;
    }
    for (ptrdiff_t c = whole; c < columns; c++) largest = x[c] > largest ? x[c] : largest;
    // What is not finite, be it the largest or not, makes a NaN here, and the sum then gives it to the whole row.
    vector sums = {0};
    for (ptrdiff_t c = 0; c < whole; c += LANES) {
      const vector y = LEVEL(exponential)((load(x + c) - largest) * scale);
      store(x + c, y);
      sums += y;
    }
    float sum = LEVEL(lane_sum)(sums);
    if (rest) {
      partial_store(x + whole, LEVEL(exponential)((partial_load(x + whole, rest) - largest) * scale), rest);
      for (ptrdiff_t c = whole; c < columns; c++) sum += x[c];
    }
    const float inverse = 1 / sum;
    for (ptrdiff_t c = 0; c < columns; c++) x[c] *= inverse;
  }
}

static void LEVEL(softmax_rows_gradient)(const float *restrict y, ptrdiff_t rows, ptrdiff_t columns, float scale,
                                         float *restrict gradient) {
  const ptrdiff_t whole = columns / LANES * LANES;
  for (ptrdiff_t row = 0; row < rows; row++, y += columns, gradient += columns) {
    vector sums = {0};
    for (ptrdiff_t c = 0; c < whole; c += LANES) sums += load(y + c) * load(gradient + c);
    float sum = LEVEL(lane_sum)(sums);
    for (ptrdiff_t c = whole; c < columns; c++) sum += y[c] * gradient[c];
    for (ptrdiff_t c = 0; c < columns; c++) gradient[c] = y[c] * (gradient[c] - sum) * scale;
  }
}
