// Pooling by itself, and in one pass with normalisation and ReLU.

// Windows begin `before` the image; those that reach beyond its end are left out where `whole` is set. Where `narrow`, x and
// the winners are bfloat16.
static void test_pooling(ptrdiff_t h, ptrdiff_t w, ptrdiff_t channels, ptrdiff_t window, ptrdiff_t stride,
                         ptrdiff_t before, int whole, int relu_before, int relu_after, int narrow) {
  const ptrdiff_t reach = before - (whole ? window : 1), oh = (h + reach) / stride + 1, ow = (w + reach) / stride + 1;
  if (h + reach < 0 || w + reach < 0) return;
  const ptrdiff_t size = h * w * channels, count = oh * ow * channels;
  const ckernels_pooling g = {h, w, channels, oh, ow, window, window, stride, stride, before, before};
  float *x = narrow ? rounded_numbers(size) : numbers(size), *dy = rounded_numbers(count);
  float *scale = numbers(channels), *shift = numbers(channels);
  float *a = numbers(channels), *b = numbers(channels), *c = numbers(channels), *pivot = numbers(channels);
  const ckernels_normalization n = {scale, shift, a, b, c, relu_before, relu_after, narrow, 0, 0};
  ckernels_normalization halves = n, half_gradient = n;
  halves.bfloat16_result = 1, half_gradient.bfloat16_gradient = 1;
  // A few equal pixels: of them the first wins.
  for (ptrdiff_t i = 0; i < size; i += 3) x[i] = roundf(2 * x[i]) / 2;
  float *y = NEW(float, count), *normalized = NEW(float, count), *dx = NEW(float, size), *pooled_dx = NEW(float, size);
  void *winners = NEW(float, count), *image = narrow ? (void *)halves_of(x, size) : x;
  uint8_t *offsets = NEW(uint8_t, count);
  double *ey = NEW(double, count), *en = NEW(double, count), *edx = NEW(double, size), *enx = NEW(double, size),
         *eo = NEW(double, count), *ew = NEW(double, count);
  double *sums = NEW(double, 3 * channels), *esums = NEW(double, 3 * channels);

  for (ptrdiff_t i = 0; i < size; i++) enx[i] = (double)x[i] * b[i % channels] + c[i % channels];
  for (ptrdiff_t out = 0; out < count; out++) {
    const ptrdiff_t channel = out % channels, i = out / channels / ow, j = out / channels % ow;
    ptrdiff_t plain = -1, signed_winner = -1;
    for (ptrdiff_t at = 0; at < window * window; at++) {
      const ptrdiff_t row = i * stride - before + at / window, column = j * stride - before + at % window;
      if (row < 0 || row >= h || column < 0 || column >= w) continue;
      const ptrdiff_t from = (row * w + column) * channels + channel;
      if (plain < 0 || x[from] > x[plain]) plain = from, eo[out] = at;
      if (signed_winner < 0 || (scale[channel] < 0 ? x[from] < x[signed_winner] : x[from] > x[signed_winner]))
        signed_winner = from;
    }
    ey[out] = x[plain];
    edx[plain] += dy[out];
    ew[out] = x[signed_winner];
    en[out] = ew[out] * scale[channel] + shift[channel];
    const double slope = relu_after && en[out] <= 0 ? 0 : dy[out];
    if (relu_after && en[out] < 0) en[out] = 0;
    enx[signed_winner] += slope * a[channel];
    esums[channel] += slope;
    esums[channels + channel] += slope * (ew[out] - pivot[channel]);
  }
  for (ptrdiff_t i = 0; i < size; i++) {
    if (relu_before && x[i] <= 0) enx[i] = 0;
    esums[2 * channels + i % channels] += enx[i];
  }

  k->max_pool(&g, x, y, NULL);
  compare("max_pool, no offsets", 0, y, ey, count);
  k->max_pool(&g, x, y, offsets);
  compare("max_pool", 0, y, ey, count);
  for (ptrdiff_t i = 0; i < count; i++) y[i] = offsets[i];
  compare("max_pool, offsets", 0, y, eo, count);
  k->max_pool_gradient(&g, dy, offsets, pooled_dx);
  compare("max_pool_gradient", 5e-7, pooled_dx, edx, size);
  k->normalize_pool(&g, &n, image, 0, oh, normalized, NULL);
  compare("normalize_pool, no winners", 3e-7, normalized, en, count);
  k->normalize_pool(&g, &n, image, 0, oh / 2, normalized, winners);
  k->normalize_pool(&g, &n, image, oh / 2, oh, normalized, winners);
  compare("normalize_pool", 3e-7, normalized, en, count);
  compare("normalize_pool, winners", 0, narrow ? floats_of(winners, count) : winners, ew, count);
  k->normalize_pool_sums(&n, dy, winners, oh * ow, channels, pivot, sums, sums + channels);
  k->normalize_pool_gradient(&g, &n, dy, image, winners, dx, sums + 2 * channels);
  compare_sums("normalize_pool_sums", sums, esums, 2 * channels);
  compare("normalize_pool_gradient", 5e-7, dx, enx, size);
  compare_sums("normalize_pool_gradient, sums", sums + 2 * channels, esums + 2 * channels, channels);
  if (narrow) {
    // y and its gradient in bfloat16, and then the gradient of x.
    void *short_dy = halves_of(dy, count), *short_dx = NEW(uint16_t, size);
    double *short_sums = NEW(double, 3 * channels), *again = NEW(double, channels);
    uint16_t *short_y = NEW(uint16_t, count);
    k->normalize_pool(&g, &halves, image, 0, oh, short_y, winners);
    compare("normalize_pool, bfloat16 result", 4e-3, floats_of(short_y, count), en, count);
    k->normalize_pool_sums(&halves, short_dy, winners, oh * ow, channels, pivot, short_sums, short_sums + channels);
    k->normalize_pool_gradient(&g, &halves, short_dy, image, winners, dx, short_sums + 2 * channels);
    compare("normalize_pool_gradient, bfloat16 result", 5e-7, dx, enx, size);
    compare_sums("normalize_pool_gradient, bfloat16 result, sums", short_sums, esums, 3 * channels);
    if (window == stride && before == 0) {
      k->normalize_pool_gradient(&g, &half_gradient, dy, image, winners, short_dx, again);
      compare("normalize_pool_gradient, bfloat16", 4e-3, floats_of(short_dx, size), enx, size);
      compare_sums("normalize_pool_gradient, bfloat16, sums", again, esums + 2 * channels, channels);
      half_gradient.bfloat16_result = 1;
      memset(again, 0, (size_t)channels * sizeof *again);
      k->normalize_pool_gradient(&g, &half_gradient, short_dy, image, winners, short_dx, again);
      compare("normalize_pool_gradient, bfloat16 both", 4e-3, floats_of(short_dx, size), enx, size);
      compare_sums("normalize_pool_gradient, bfloat16 both, sums", again, esums + 2 * channels, channels);
    }
  }
  release();
}
