// Kernels of single elements and of columns, and the step of Adam.

static void test_columns(ptrdiff_t rows, ptrdiff_t channels) {
  const ptrdiff_t size = rows * channels;
  float *x = numbers(size), *dy = numbers(size), *a = numbers(channels), *b = numbers(channels), *c = numbers(channels);
  float *affine = NEW(float, size), *combined = NEW(float, size), *masked = NEW(float, size);
  double *ea = NEW(double, size), *ec = NEW(double, size), *em = NEW(double, size);
  double *sums = NEW(double, 6 * channels), *e = NEW(double, 6 * channels);
  for (ptrdiff_t i = 0; i < size; i++) {
    const ptrdiff_t n = i % channels;
    const double distance = (double)x[i] - a[n];
    ea[i] = (double)x[i] * a[n] + b[n];
    ec[i] = (double)dy[i] * a[n] + (double)x[i] * b[n] + c[n];
    em[i] = x[i] > 0 ? dy[i] : 0;
    const double terms[6] = {distance, distance * distance, dy[i], dy[i] * distance, x[i], em[i]};
    for (int j = 0; j < 6; j++) e[j * channels + n] += terms[j];
  }
  k->column_affine(x, rows, channels, a, b, affine);
  k->column_combine(dy, x, rows, channels, a, b, c, combined);
  k->column_moments(x, rows, channels, a, sums, sums + channels);
  k->column_products(dy, x, rows, channels, a, sums + 2 * channels, sums + 3 * channels);
  k->column_sums(x, rows, channels, sums + 4 * channels);
  k->relu_gradient(dy, x, rows, channels, masked, sums + 5 * channels);
  // The moments of rounded numbers, and these themselves.
  double *rounded_sums = NEW(double, 2 * channels), *er = NEW(double, 2 * channels), *ex = NEW(double, size);
  uint16_t *halves = NEW(uint16_t, size);
  for (ptrdiff_t i = 0; i < size; i++) {
    ex[i] = bfloat16(x[i]);
    const double distance = ex[i] - a[i % channels];
    er[i % channels] += distance, er[channels + i % channels] += distance * distance;
  }
  k->rounded_moments(x, rows, channels, a, rounded_sums, rounded_sums + channels, halves);
  compare("rounded_moments, numbers", 0, floats_of(halves, size), ex, size);
  compare_sums("rounded_moments", rounded_sums, er, 2 * channels);
  double *again = NEW(double, 2 * channels);
  k->rounded_moments(halves, rows, channels, a, again, again + channels, NULL);
  compare_sums("rounded_moments of bfloat16", again, er, 2 * channels);
  compare("column_affine", 2e-7, affine, ea, size);
  compare("column_combine", 2e-7, combined, ec, size);
  compare("relu_gradient", 0, masked, em, size);
  compare_sums("column_moments", sums, e, 2 * channels);
  compare_sums("column_products", sums + 2 * channels, e + 2 * channels, 2 * channels);
  compare_sums("column_sums", sums + 4 * channels, e + 4 * channels, channels);
  compare_sums("relu_gradient, sums", sums + 5 * channels, e + 5 * channels, channels);
  release();
}

// Word `index` of Philox 4×32-10, one block at a time.
static uint32_t philox(uint64_t key, uint64_t index) {
  uint32_t c[4] = {(uint32_t)(index / 4), (uint32_t)(index / 4 >> 32), 0, 0}, low = (uint32_t)key, high = key >> 32;
  for (int round = 0; round < 10; round++, low += 0x9E3779B9u, high += 0xBB67AE85u) {
    const uint64_t first = 0xD2511F53ull * c[0], second = 0xCD9E8D57ull * c[2];
    const uint32_t next[4] = {(uint32_t)(second >> 32) ^ c[1] ^ low, (uint32_t)second,
                              (uint32_t)(first >> 32) ^ c[3] ^ high, (uint32_t)first};
    memcpy(c, next, sizeof c);
  }
  return c[index % 4];
}

static void test_elements(ptrdiff_t count) {
  float *x = numbers(count), *floats = NEW(float, count), *dropped = NEW(float, count);
  uint8_t *bytes = NEW(uint8_t, count);
  double *ef = NEW(double, count), *ed = NEW(double, count), squares = 0;
  const uint64_t key = 0x123456789ABCDEFull, first = 0xFFFFFFFC0ull;
  for (ptrdiff_t i = 0; i < count; i++) {
    bytes[i] = (uint8_t)word();
    ef[i] = bytes[i] / 255.0;
    ed[i] = philox(key, first + i) < 0xC0000000u ? x[i] * 1.25 : 0;
    squares += (double)x[i] * x[i];
  }
  const double sum = k->sum_of_squares(x, count);
  compare_sums("sum_of_squares", &sum, &squares, 1);
  k->bytes_to_float(bytes, count, 255, floats);
  compare("bytes_to_float", 1e-7, floats, ef, count);
  k->dropout(x, count, key, first, 0xC0000000u, 1.25f, dropped);
  compare("dropout", 1e-7, dropped, ed, count);
  release();
}

static void test_arithmetic(ptrdiff_t count) {
  float *a = numbers(count), *b = numbers(count), *y = NEW(float, count);
  double *e = NEW(double, count);
  k->relu(a, count, y);
  for (ptrdiff_t i = 0; i < count; i++) e[i] = fmax(a[i], 0);
  compare("relu", 0, y, e, count);
  k->add_relu(a, b, count, y);
  for (ptrdiff_t i = 0; i < count; i++) e[i] = fmax((double)a[i] + b[i], 0);
  compare("add_relu", 1e-7, y, e, count);
  k->combination(a, 0.5f, b, -2, count, y);
  for (ptrdiff_t i = 0; i < count; i++) e[i] = a[i] * 0.5 - b[i] * 2.0;
  compare("combination", 2e-7, y, e, count);
  k->product(a, b, count, y);
  for (ptrdiff_t i = 0; i < count; i++) e[i] = (double)a[i] * b[i];
  compare("product", 1e-7, y, e, count);
  k->scaled(a, -1.5f, count, y);
  for (ptrdiff_t i = 0; i < count; i++) e[i] = a[i] * -1.5;
  compare("scaled", 1e-7, y, e, count);
  release();
}

static void test_adam(ptrdiff_t count, int amsgrad) {
  const ckernels_adam step = {0.5f, 0.25f, 0.75f, 0.125f, 0.0625f, 0.01f, 1e-3f};
  float *gradient = numbers(count), *w = numbers(count), *m = numbers(count), *v = numbers(count), *most = numbers(count);
  double *ew = NEW(double, count), *em = NEW(double, count), *ev = NEW(double, count), *emost = NEW(double, count);
  for (ptrdiff_t i = 0; i < count; i++) {
    v[i] = fabsf(v[i]), most[i] = fabsf(most[i]);
    const double g = fmax(-0.25, fmin(0.25, gradient[i] * 0.5));
    em[i] = m[i] + (g - m[i]) * 0.125;
    ev[i] = v[i] + (g * g - v[i]) * 0.0625;
    emost[i] = amsgrad ? fmax(ev[i], most[i]) : ev[i];
    ew[i] = w[i] * 0.75 - 0.01 * em[i] / (sqrt(emost[i]) + 1e-3);
  }
  k->adam(&step, count, gradient, w, m, v, amsgrad ? most : NULL);
  compare("adam, weights", 1e-6, w, ew, count);
  compare("adam, mean", 1e-6, m, em, count);
  compare("adam, square", 1e-6, v, ev, count);
  if (amsgrad) compare("adam, largest", 1e-6, most, emost, count);
  release();
}
