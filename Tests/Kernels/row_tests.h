// Softmax and layer normalisation.

static void test_softmax(ptrdiff_t rows, ptrdiff_t columns, float spread, float scale) {
  const ptrdiff_t size = rows * columns;
  float *x = numbers(size), *gradient = numbers(size);
  double *e = NEW(double, size), *eg = NEW(double, size);
  for (ptrdiff_t row = 0; row < rows; row++) {
    double sum = 0, product = 0, largest = -INFINITY;
    for (ptrdiff_t i = row * columns; i < (row + 1) * columns; i++) {
      x[i] *= spread;
      largest = fmax(largest, (double)x[i] * scale);
    }
    for (ptrdiff_t i = row * columns; i < (row + 1) * columns; i++) sum += e[i] = exp((double)x[i] * scale - largest);
    for (ptrdiff_t i = row * columns; i < (row + 1) * columns; i++) product += (e[i] /= sum) * gradient[i];
    for (ptrdiff_t i = row * columns; i < (row + 1) * columns; i++) eg[i] = e[i] * (gradient[i] - product) * scale;
  }
  k->softmax_rows(x, rows, columns, scale);
  k->softmax_rows_gradient(x, rows, columns, scale, gradient);
  // The exponent itself is rounded.
  compare(spread > 1 ? "softmax_rows, large" : "softmax_rows", spread > 1 ? 1e-5 : 3e-7, x, e, size);
  compare(spread > 1 ? "softmax_rows_gradient, large" : "softmax_rows_gradient", spread > 1 ? 1e-5 : 5e-7, gradient, eg,
          size);
  release();
}

static void test_layer_normalization(ptrdiff_t rows, ptrdiff_t channels, float offset) {
  const ptrdiff_t size = rows * channels;
  float *x = numbers(size), *dy = numbers(size), *gamma = numbers(channels), *beta = numbers(channels);
  float *y = NEW(float, size), *dx = NEW(float, size), *statistics = NEW(float, 2 * rows);
  double *ey = NEW(double, size), *edx = NEW(double, size), *e = NEW(double, 2 * channels);
  double *sums = NEW(double, 2 * channels), *only = NEW(double, 2 * channels);
  for (ptrdiff_t row = 0; row < rows; row++) {
    double mean = 0, variance = 0, g = 0, product = 0;
    for (ptrdiff_t c = 0; c < channels; c++) mean += (x[row * channels + c] += offset);
    mean /= channels;
    for (ptrdiff_t c = 0; c < channels; c++) variance += pow(x[row * channels + c] - mean, 2) / channels;
    const double inverse = 1 / sqrt(variance + 1e-3f);
    for (ptrdiff_t c = 0; c < channels; c++) {
      const ptrdiff_t i = row * channels + c;
      const double normal = (x[i] - mean) * inverse;
      ey[i] = normal * gamma[c] + beta[c];
      g += (double)dy[i] * gamma[c] / channels, product += (double)dy[i] * gamma[c] * normal / channels;
      e[c] += dy[i] * normal, e[channels + c] += dy[i];
    }
    for (ptrdiff_t c = 0; c < channels; c++) {
      const ptrdiff_t i = row * channels + c;
      edx[i] = inverse * ((double)dy[i] * gamma[c] - g - (x[i] - mean) * inverse * product);
    }
  }
  k->layer_normalize(x, rows, channels, gamma, beta, 1e-3f, y, statistics);
  k->layer_normalize_gradient(dy, x, statistics, rows, channels, gamma, dx, sums, sums + channels);
  k->layer_normalize_gradient(dy, x, statistics, rows, channels, gamma, NULL, only, only + channels);
  compare("layer_normalize", 5e-6, y, ey, size);
  compare("layer_normalize_gradient", 2e-5, dx, edx, size);
  compare_sums("layer_normalize_gradient, sums", sums, e, 2 * channels);
  compare_sums("layer_normalize_gradient, sums only", only, sums, 2 * channels);
  release();
}
