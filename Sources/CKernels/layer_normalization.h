// Layer normalisation: each row of a matrix [rows, channels] has a mean and a variance of its own.

// Σ x over one row.
INLINE float LEVEL(row_sum)(const float *x, ptrdiff_t channels) {
  const ptrdiff_t whole = channels / LANES * LANES;
  vector sums = {0};
  for (ptrdiff_t c = 0; c < whole; c += LANES) sums += load(x + c);
  float sum = LEVEL(lane_sum)(sums);
  for (ptrdiff_t c = whole; c < channels; c++) sum += x[c];
  return sum;
}

// Σ (x − mean)² over one row.
INLINE float LEVEL(row_squares)(const float *x, ptrdiff_t channels, float mean) {
  const ptrdiff_t whole = channels / LANES * LANES;
  vector sums = {0};
  for (ptrdiff_t c = 0; c < whole; c += LANES) {
    const vector distance = load(x + c) - mean;
    sums += distance * distance;
  }
  float sum = LEVEL(lane_sum)(sums);
  for (ptrdiff_t c = whole; c < channels; c++) sum += (x[c] - mean) * (x[c] - mean);
  return sum;
}

static void LEVEL(layer_normalize)(const float *restrict x, ptrdiff_t rows, ptrdiff_t channels,
                                   const float *restrict gamma, const float *restrict beta, float epsilon,
                                   float *restrict y, float *restrict statistics) {
  for (ptrdiff_t row = 0; row < rows; row++, x += channels, y += channels, statistics += 2) {
    const float mean = LEVEL(row_sum)(x, channels) / channels;
    // In a second pass, so that a small variance beside a large mean keeps its digits.
    const float variance = LEVEL(row_squares)(x, channels, mean) / channels;
    const float inverse = 1 / __builtin_sqrtf(variance + epsilon);
    for (ptrdiff_t c = 0; c < channels; c++) y[c] = (x[c] - mean) * inverse * gamma[c] + beta[c];
    statistics[0] = mean, statistics[1] = inverse;
  }
}

// dx = inverse · (g − mean(g) − x̂ · mean(g · x̂)) with g = dy · gamma and x̂ = (x − mean) · inverse.
INLINE void LEVEL(layer_normalize_row_gradient)(const float *restrict dy, const float *restrict x, ptrdiff_t channels,
                                                const float *restrict gamma, float mean, float inverse,
                                                float *restrict dx) {
  const ptrdiff_t whole = channels / LANES * LANES;
  vector sums = {0}, products = {0};
  for (ptrdiff_t c = 0; c < whole; c += LANES) {
    const vector g = load(dy + c) * load(gamma + c);
    sums += g;
    products += g * (load(x + c) - mean);
  }
  float sum = LEVEL(lane_sum)(sums), product = LEVEL(lane_sum)(products);
  for (ptrdiff_t c = whole; c < channels; c++) {
    const float g = dy[c] * gamma[c];
    sum += g;
    product += g * (x[c] - mean);
  }
  const float share = sum / channels, slope = product * inverse * inverse / channels;
  for (ptrdiff_t c = 0; c < channels; c++) dx[c] = inverse * (dy[c] * gamma[c] - share - (x[c] - mean) * slope);
}

INLINE void LEVEL(layer_normalize_sums)(const float *restrict dy, const float *restrict x,
                                        const float *restrict statistics, ptrdiff_t rows, ptrdiff_t channels,
                                        double *restrict gamma_gradient, double *restrict beta_gradient) {
  COLUMN_REDUCTION(
      {
        first[j] += dy[at] * ((x[at] - statistics[2 * row]) * statistics[2 * row + 1]);
        second[j] += dy[at];
        (void)c;
      },
      gamma_gradient, beta_gradient)
}

static void LEVEL(layer_normalize_gradient)(const float *dy, const float *x, const float *statistics, ptrdiff_t rows,
                                            ptrdiff_t channels, const float *gamma, float *dx, double *gamma_gradient,
                                            double *beta_gradient) {
  // In blocks of rows, which are still in the cache for the sums.
  for (ptrdiff_t top = 0; top < rows; top += ROWS_PER_SUM) {
    const ptrdiff_t count = rows - top < ROWS_PER_SUM ? rows - top : ROWS_PER_SUM;
    for (ptrdiff_t row = top; row < top + count && dx; row++)
      LEVEL(layer_normalize_row_gradient)(dy + row * channels, x + row * channels, channels, gamma, statistics[2 * row],
                                          statistics[2 * row + 1], dx + row * channels);
    LEVEL(layer_normalize_sums)(dy + top * channels, x + top * channels, statistics + 2 * top, count, channels,
                                gamma_gradient, beta_gradient);
  }
}
