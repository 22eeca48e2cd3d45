// Every kernel of the table, at every SIMD level that the processor runs, against plain loops in double.
//
// In C alone, so that it runs where there is no Swift: under an emulator of another processor, see scripts/arm64, and
// under the compiler's sanitizers, see scripts/sanitizers. All memory is as large as the kernels' contract says, to the
// byte. Prints the kernels' worst errors, relative to the largest value of each result (at least 1); fails where one is
// too large.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "CKernels.h"

static const ckernels_table *k;
static int failures;

// Memory of exactly this size, freed at the end of a test by `release`.
static void *blocks[1000];
static int block_count;
static void *block(size_t size) { return blocks[block_count++] = calloc(1, size ? size : 1); }
#define NEW(type, count) ((type *)block((size_t)(count) * sizeof(type)))
static void release(void) {
  while (block_count) free(blocks[--block_count]);
}

static uint32_t state = 1;
static uint32_t word(void) {
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return state;
}
static float *numbers(ptrdiff_t count) {
  float *x = NEW(float, count);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)word() / 2147483648.0f - 1;
  return x;
}

// Results of one kernel: how many were compared and how far off the worst was.
typedef struct {
  const char *name;
  double tolerance, worst;
  long compared;
} result;
static result results[64];
static int result_count;

static void compare_with(const char *name, double tolerance, const float *floats, const double *doubles,
                         const double *expected, ptrdiff_t count) {
  int at = 0;
  while (at < result_count && strcmp(results[at].name, name)) at++;
  if (at == result_count) results[result_count++] = (result){name, tolerance, 0, 0};
  // All inputs are numbers in ±1, so results are about as large; a smaller one is the chance of cancelling terms.
  double largest = 1;
  for (ptrdiff_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
  for (ptrdiff_t i = 0; i < count; i++) {
    const double error = fabs((floats ? (double)floats[i] : doubles[i]) - expected[i]) / largest;
    // A NaN stays the worst.
    if (!isnan(results[at].worst) && !(error <= results[at].worst)) results[at].worst = error;
  }
  results[at].compared += count;
}
static void compare(const char *name, double tolerance, const float *actual, const double *expected, ptrdiff_t count) {
  compare_with(name, tolerance, actual, NULL, expected, count);
}
static void compare_sums(const char *name, const double *actual, const double *expected, ptrdiff_t count) {
  compare_with(name, 2e-6, NULL, actual, expected, count);
}
static void print_results(void) {
  for (int i = 0; i < result_count; i++) {
    const int wrong = !(results[i].worst <= results[i].tolerance);
    printf("%-9s %-28s %9ld values, worst error %.1e%s\n", k->name, results[i].name, results[i].compared,
           results[i].worst, wrong ? "  WRONG" : "");
    failures += wrong;
  }
  result_count = 0;
}

static ptrdiff_t padded(ptrdiff_t channels) {
  return (channels + k->channel_block - 1) / k->channel_block * k->channel_block;
}
static float *padded_bias(ptrdiff_t channels, float *bias) {
  float *result = NEW(float, padded(channels));
  memcpy(result, bias, channels * sizeof(float));
  return result;
}

// y = [relu](x ⋆ w + bias), and for dy the gradients of w and x, of one image with `top` and `left` zeros around it.
static void reference(ptrdiff_t h, ptrdiff_t w, ptrdiff_t c, ptrdiff_t oh, ptrdiff_t ow, ptrdiff_t oc, ptrdiff_t kh,
                      ptrdiff_t kw, ptrdiff_t stride, ptrdiff_t top, ptrdiff_t left, const float *x,
                      const float *weights, const float *bias, int relu, const float *dy, double *y, double *dw) {
  for (ptrdiff_t i = 0; i < oh; i++)
    for (ptrdiff_t j = 0; j < ow; j++)
      for (ptrdiff_t o = 0; o < oc; o++) {
        const ptrdiff_t out = (i * ow + j) * oc + o;
        y[out] = bias[o];
        for (ptrdiff_t a = 0; a < kh; a++)
          for (ptrdiff_t b = 0; b < kw; b++) {
            const ptrdiff_t row = i * stride + a - top, column = j * stride + b - left;
            if (row < 0 || row >= h || column < 0 || column >= w) continue;
            for (ptrdiff_t n = 0; n < c; n++) {
              const double value = x[(row * w + column) * c + n];
              y[out] += value * weights[((a * kw + b) * c + n) * oc + o];
              dw[((a * kw + b) * c + n) * oc + o] += value * dy[out];
            }
          }
        if (relu && y[out] < 0) y[out] = 0;
      }
}

static void test_convolution(ptrdiff_t oh, ptrdiff_t ow, ptrdiff_t c, ptrdiff_t oc, ptrdiff_t kh, ptrdiff_t kw,
                             ptrdiff_t stride, int relu) {
  const ptrdiff_t h = (oh - 1) * stride + kh, w = (ow - 1) * stride + kw, count = oh * ow * oc, size = kh * kw * c * oc;
  const ckernels_convolution g = {oh, ow, kh, kw, stride, c, oc, w * c, 0};
  float *x = numbers(h * w * c), *weights = numbers(size), *bias = numbers(oc), *dy = numbers(count);
  const ptrdiff_t packed_count = ckernels_packed_count(k, &g);
  float *packed = NEW(float, packed_count), *sums = NEW(float, packed_count);
  float *y = NEW(float, count), *dw = NEW(float, size), *unpacked = NEW(float, size), *turned = NEW(float, size);
  double *ey = NEW(double, count), *edw = NEW(double, size), *ew = NEW(double, size), *et = NEW(double, size);
  reference(h, w, c, oh, ow, oc, kh, kw, stride, 0, 0, x, weights, bias, relu, dy, ey, edw);

  ckernels_pack_weights(k, &g, weights, packed);
  ckernels_unpack_weights(k, &g, packed, unpacked);
  for (ptrdiff_t i = 0; i < size; i++) ew[i] = weights[i], et[i % oc * (size / oc) + i / oc] = weights[i];
  compare("pack_weights", 0, unpacked, ew, size);
  ckernels_transpose(weights, size / oc, oc, turned);
  compare("transpose", 0, turned, et, size);
  k->convolution(&g, x, packed, padded_bias(oc, bias), relu, y);
  compare("convolution", 2e-6, y, ey, count);
  k->convolution_weight_gradient(&g, x, dy, sums);
  ckernels_unpack_weights(k, &g, sums, dw);
  compare("convolution_weight_gradient", 2e-6, dw, edw, size);
  release();
}

// The nearest number with eight significant bits.
static double bfloat16(float x) {
  int exponent;
  const double fraction = frexp(x, &exponent);
  return ldexp(rint(ldexp(fraction, 8)), exponent - 8);
}

// Rounded numbers of which every kernel makes words of its own; their products are exact.
static float *rounded_numbers(ptrdiff_t count) {
  float *x = numbers(count);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)bfloat16(x[i]);
  return x;
}

static void test_narrow_convolution(ptrdiff_t oh, ptrdiff_t ow, ptrdiff_t c, ptrdiff_t oc, ptrdiff_t kh, ptrdiff_t kw,
                                    ptrdiff_t stride, int relu) {
  const ptrdiff_t h = (oh - 1) * stride + kh, w = (ow - 1) * stride + kw, count = oh * ow * oc, size = kh * kw * c * oc;
  const ckernels_convolution g = {oh, ow, kh, kw, stride, c, oc, w * c, 1};
  ckernels_convolution wide = g;
  wide.bfloat16 = 0;
  float *x = rounded_numbers(h * w * c), *weights = rounded_numbers(size), *bias = numbers(oc);
  float *dy = rounded_numbers(count);
  float *packed = NEW(float, ckernels_packed_count(k, &g)), *sums = NEW(float, ckernels_packed_count(k, &wide));
  float *words = NEW(float, (h + 1) * w * c + 32), *y = NEW(float, count), *dw = NEW(float, size);
  double *ey = NEW(double, count), *edw = NEW(double, size);
  reference(h, w, c, oh, ow, oc, kh, kw, stride, 0, 0, x, weights, bias, relu, dy, ey, edw);

  k->bfloat16_weights(&g, weights, packed);
  k->convolution_words(x, h, w * c, words);
  k->convolution(&g, words, packed, padded_bias(oc, bias), relu, y);
  compare("convolution, bfloat16", 2e-6, y, ey, count);
  k->bfloat16_pairs(x, h * w * c, stride * c, words);
  k->convolution_weight_gradient(&g, words, dy, sums);
  ckernels_unpack_gradient(k, &g, sums, dw);
  compare("convolution_weight_gradient, bfloat16", 2e-6, dw, edw, size);
  release();
}

static void test_winograd(ptrdiff_t images, ptrdiff_t h, ptrdiff_t w, ptrdiff_t c, ptrdiff_t oc, int same, int relu) {
  const ptrdiff_t oh = same ? h : h - 2, ow = same ? w : w - 2, size = 9 * c * oc, count = oh * ow * oc;
  const ckernels_winograd g = {h, w, oh, ow, same, same, c, oc, 0};
  float *x = numbers(images * h * w * c), *weights = numbers(size), *bias = numbers(oc), *dy = numbers(images * count);
  float *y = NEW(float, images * count), *dw = NEW(float, size);
  double *ey = NEW(double, images * count), *edw = NEW(double, size);
  for (ptrdiff_t n = 0; n < images; n++)
    reference(h, w, c, oh, ow, oc, 3, 3, 1, same, same, x + n * h * w * c, weights, bias, relu, dy + n * count,
              ey + n * count, edw);

  const ptrdiff_t point_count = k->winograd_weight_count(&g), tiles = images * k->winograd_tiles(&g), cut = tiles / 3;
  float *points = NEW(float, point_count), *sums = NEW(float, 2 * point_count);
  float *scratch = NEW(float, k->winograd_convolution_scratch(&g));
  float *gradient_scratch = NEW(float, k->winograd_gradient_scratch(&g));
  k->winograd_weights(&g, weights, 0, c / 2, points);
  k->winograd_weights(&g, weights, c / 2, c, points);
  float *offsets = padded_bias(oc, bias);
  k->winograd_convolution(&g, x, points, offsets, relu, 0, cut, scratch, y);
  k->winograd_convolution(&g, x, points, offsets, relu, cut, tiles, scratch, y);
  compare("winograd_convolution", 1.5e-5, y, ey, images * count);
  k->winograd_weight_gradient(&g, x, dy, 0, cut, cut == 0, gradient_scratch, sums);
  k->winograd_weight_gradient(&g, x, dy, cut, tiles, cut == tiles, gradient_scratch, sums + point_count);
  k->winograd_kernel_gradient(&g, sums, 2, point_count, 0, c / 2, dw);
  k->winograd_kernel_gradient(&g, sums, 2, point_count, c / 2, c, dw);
  compare("winograd_kernel_gradient", 1.5e-5, dw, edw, size);
  release();
}

// Windows begin `before` the image; those that reach beyond its end are left out where `whole` is set.
static void test_pooling(ptrdiff_t h, ptrdiff_t w, ptrdiff_t channels, ptrdiff_t window, ptrdiff_t stride,
                         ptrdiff_t before, int whole, int relu_before, int relu_after) {
  const ptrdiff_t reach = before - (whole ? window : 1), oh = (h + reach) / stride + 1, ow = (w + reach) / stride + 1;
  if (h + reach < 0 || w + reach < 0) return;
  const ptrdiff_t size = h * w * channels, count = oh * ow * channels;
  const ckernels_pooling g = {h, w, channels, oh, ow, window, window, stride, stride, before, before};
  float *x = numbers(size), *dy = numbers(count), *scale = numbers(channels), *shift = numbers(channels);
  float *a = numbers(channels), *b = numbers(channels), *c = numbers(channels), *pivot = numbers(channels);
  const ckernels_normalization n = {scale, shift, a, b, c, relu_before, relu_after};
  // A few equal pixels: of them the first wins.
  for (ptrdiff_t i = 0; i < size; i += 3) x[i] = roundf(2 * x[i]) / 2;
  float *y = NEW(float, count), *winners = NEW(float, count), *normalized = NEW(float, count), *dx = NEW(float, size),
        *pooled_dx = NEW(float, size);
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
  k->normalize_pool(&g, x, scale, shift, relu_after, 0, oh, normalized, NULL);
  compare("normalize_pool, no winners", 3e-7, normalized, en, count);
  k->normalize_pool(&g, x, scale, shift, relu_after, 0, oh / 2, normalized, winners);
  k->normalize_pool(&g, x, scale, shift, relu_after, oh / 2, oh, normalized, winners);
  compare("normalize_pool", 3e-7, normalized, en, count);
  compare("normalize_pool, winners", 0, winners, ew, count);
  k->normalize_pool_sums(&n, dy, winners, oh * ow, channels, pivot, sums, sums + channels);
  k->normalize_pool_gradient(&g, &n, dy, x, winners, dx, sums + 2 * channels);
  compare_sums("normalize_pool_sums", sums, esums, 2 * channels);
  compare("normalize_pool_gradient", 5e-7, dx, enx, size);
  compare_sums("normalize_pool_gradient, sums", sums + 2 * channels, esums + 2 * channels, channels);
  release();
}

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

// The nearest number with eleven significant bits, or multiple of 2^-24.
static double half(float x) {
  int exponent;
  frexp(x, &exponent);
  const int unit = exponent - 11 < -24 ? -24 : exponent - 11;
  return ldexp(rint(ldexp(x, -unit)), unit);
}

static void test_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int transpose_a, int transpose_b) {
  const ptrdiff_t as = (transpose_a ? rows : depth) + 1, bs = (transpose_b ? depth : columns) + 2, cs = columns + 3;
  float *a = numbers((transpose_a ? depth : rows) * as), *b = numbers((transpose_b ? columns : depth) * bs);
  float *c = NEW(float, rows * cs), *y = NEW(float, rows * columns);
  double *e = NEW(double, rows * columns);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++)
      for (ptrdiff_t l = 0; l < depth; l++)
        e[i * columns + j] += bfloat16(a[transpose_a ? l * as + i : i * as + l]) *
                              bfloat16(b[transpose_b ? j * bs + l : l * bs + j]);
  const ckernels_product g = {rows, columns, depth, as, bs, cs, transpose_a, transpose_b};
  k->bfloat16_product(&g, a, b, c);
  for (ptrdiff_t i = 0; i < rows; i++) memcpy(y + i * columns, c + i * cs, (size_t)columns * sizeof *y);
  compare("bfloat16_product", 2e-6, y, e, rows * columns);
  release();
}

static void test_float16_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) {
  if (rows > k->float16_rows) return;
  const ptrdiff_t blocks = (columns + k->float16_block - 1) / k->float16_block;
  float *x = numbers(rows * depth), *w = numbers(depth * columns), *y = NEW(float, rows * columns);
  uint16_t *packed = NEW(uint16_t, blocks * depth * k->float16_block);
  double *e = NEW(double, rows * columns);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++)
      for (ptrdiff_t l = 0; l < depth; l++) e[i * columns + j] += x[i * depth + l] * half(w[l * columns + j]);
  k->float16_pack(w, depth, columns, 0, blocks, 1, packed);
  k->float16_product(x, rows, depth, packed, columns, 0, blocks, 1, y);
  compare("float16_product", 2e-6, y, e, rows * columns);
  release();
}

static double log_sum(double a, double b) {
  const double most = fmax(a, b);
  return most == -INFINITY ? most : most + log(exp(a - most) + exp(b - most));
}

// Both directions in logarithms, as Graves et al. write them.
static void test_temporal_classification(ptrdiff_t columns, ptrdiff_t classes, ptrdiff_t length, float spread) {
  const ptrdiff_t blank = word() % classes, states = 2 * length + 1;
  float *z = numbers(columns * classes), *slopes = NEW(float, columns *classes);
  for (ptrdiff_t i = 0; i < columns * classes; i++) z[i] *= spread;
  int32_t *label = NEW(int32_t, length);
  ptrdiff_t least = length;
  for (ptrdiff_t i = 0; i < length; i++) {
    label[i] = (blank + 1 + word() % (classes - 1)) % classes;
    if (i && word() % 3 == 0) label[i] = label[i - 1];
    least += i && label[i] == label[i - 1];
  }
  double *y = NEW(double, columns *classes), *expected = NEW(double, columns *classes);
  double *a = NEW(double, (columns + 1) * states), *b = NEW(double, (columns + 1) * states);
  for (ptrdiff_t t = 0; t < columns; t++) {
    double sum = -INFINITY;
    for (ptrdiff_t c = 0; c < classes; c++) sum = log_sum(sum, z[t * classes + c]);
    for (ptrdiff_t c = 0; c < classes; c++) y[t * classes + c] = z[t * classes + c] - sum;
  }
#define CLASS_OF(s) ((s) % 2 ? label[(s) / 2] : blank)
#define MAY_SKIP_TO(s) ((s) % 2 && (s) > 1 && label[(s) / 2] != label[(s) / 2 - 1])
  for (ptrdiff_t t = 0; t < columns; t++)
    for (ptrdiff_t s = 0; s < states; s++) {
      double sum = t ? a[(t - 1) * states + s] : s > 1 ? -INFINITY : 0;
      if (t && s > 0) sum = log_sum(sum, a[(t - 1) * states + s - 1]);
      if (t && MAY_SKIP_TO(s)) sum = log_sum(sum, a[(t - 1) * states + s - 2]);
      a[t * states + s] = sum + y[t * classes + CLASS_OF(s)];
    }
  for (ptrdiff_t t = columns - 1; t >= 0; t--)
    for (ptrdiff_t s = 0; s < states; s++) {
      if (t == columns - 1) {
        b[t * states + s] = s + 2 >= states ? 0 : -INFINITY;
        continue;
      }
#define BEHIND(s) (b[(t + 1) * states + (s)] + y[(t + 1) * classes + CLASS_OF(s)])
      double sum = BEHIND(s);
      if (s + 1 < states) sum = log_sum(sum, BEHIND(s + 1));
      if (s + 2 < states && MAY_SKIP_TO(s + 2)) sum = log_sum(sum, BEHIND(s + 2));
      b[t * states + s] = sum;
    }
  double total = a[columns * states - 1];
  if (length) total = log_sum(total, a[columns * states - 2]);
  for (ptrdiff_t i = 0; i < columns * classes && columns >= least; i++) expected[i] = exp(y[i]);
  for (ptrdiff_t t = 0; t < columns && columns >= least; t++)
    for (ptrdiff_t s = 0; s < states; s++)
      expected[t * classes + CLASS_OF(s)] -= exp(a[t * states + s] + b[t * states + s] - total);
  const double loss = columns < least ? 0 : -total;
  const ckernels_temporal_classification geometry = {columns, classes, blank};
  double *scratch = NEW(double, k->temporal_classification_scratch(columns, length));
  const double actual = k->temporal_classification(&geometry, z, label, length, scratch, slopes);
  compare_sums("temporal classification", &actual, &loss, 1);
  compare("temporal classification, slopes", 1e-6, slopes, expected, columns * classes);
  release();
}

static void test_panel_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int transposed, int narrow) {
  const ckernels_panels g = {depth, columns, narrow};
  const ptrdiff_t bs = (transposed ? depth : columns) + 2, as = depth + 1, cs = columns + 3;
  const ptrdiff_t words = narrow ? (depth + 1) / 2 : depth, panels = (columns + k->panel - 1) / k->panel;
  float *a = numbers(rows * as), *b = numbers((transposed ? columns : depth) * bs), *bias = numbers(columns);
  float *c = numbers(rows * cs), *y = NEW(float, rows * columns);
  uint32_t *packed = NEW(uint32_t, k->panel_columns(columns) * words), *rounded = NEW(uint32_t, rows * words);
  double *e = NEW(double, rows * columns);
  for (int adds = 0; adds < 2; adds++) {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t j = 0; j < columns; j++) {
        double sum = adds ? c[i * cs + j] : bias[j];
        for (ptrdiff_t l = 0; l < depth; l++) {
          const float left = a[i * as + l], right = b[transposed ? j * bs + l : l * bs + j];
          sum += narrow ? bfloat16(left) * bfloat16(right) : (double)left * right;
        }
        e[i * columns + j] = sum;
      }
    k->bfloat16_words(a, rows, narrow ? depth : 0, as, rounded);
    // In two parts, as threads would.
    k->pack_panels(&g, b, bs, transposed, 0, panels / 2, packed);
    k->pack_panels(&g, b, bs, transposed, panels / 2, panels, packed);
    k->panel_product(&g, narrow ? (void *)rounded : a, narrow ? words : as, rows, packed, adds ? NULL : bias, adds, c, cs);
    for (ptrdiff_t i = 0; i < rows; i++) memcpy(y + i * columns, c + i * cs, (size_t)columns * sizeof *y);
    compare(narrow ? "panel_product, bfloat16" : "panel_product", 2e-6, y, e, rows * columns);
  }
  release();
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

// One step and its gradient; with `first`, that of a sequence's first step.
static void test_lstm(ptrdiff_t rows, ptrdiff_t units, float scale, int first) {
  const ckernels_lstm g = {rows, units};
  const ptrdiff_t zs = 4 * units + 1, cs = units + 2, ys = units + 3, gs = 4 * units + 4, count = rows * units;
  const ptrdiff_t words = (units + 1) / 2;
  float *z = numbers(rows * zs), *before = numbers(rows * cs), *dy = numbers(rows * ys), *dh = numbers(count);
  float *dc = numbers(count), *cells = NEW(float, rows * cs), *y = NEW(float, rows * ys);
  float *gates = NEW(float, rows * gs), *dz = NEW(float, rows * zs);
  float *sums = numbers(rows * 4 * units);
  double *es = NEW(double, rows * 4 * units);
  uint32_t *rounded = NEW(uint32_t, rows * words), *rounded_dz = NEW(uint32_t, rows * 2 * units);
  for (ptrdiff_t i = 0; i < rows * zs; i++) z[i] *= scale;
  double *ec = NEW(double, rows * cs), *ey = NEW(double, rows * ys), *eg = NEW(double, rows * gs);
  double *edz = NEW(double, rows * zs), *edc = NEW(double, count);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t u = 0; u < units; u++) {
      const float *from = z + i * zs + u;
      const double in = logistic(from[0]), forget = logistic(from[units]), new = tanh(from[2 * units]);
      const double out = logistic(from[3 * units]), c0 = first ? 0 : before[i * cs + u], c = in * new + forget * c0;
      const double t = tanh(c), h = dy[i * ys + u] + (double)dh[i * units + u];
      const double d = dc[i * units + u] + h * out * (1 - t * t);
      const double values[4] = {in, forget, new, out};
      const double slopes[4] = {d * new * in * (1 - in), d * c0 * forget * (1 - forget), d * in * (1 - new * new),
                                h * t * out * (1 - out)};
      ec[i * cs + u] = c, ey[i * ys + u] = out * t, edc[i * units + u] = d * forget;
      for (int j = 0; j < 4; j++) {
        eg[i * gs + j * units + u] = values[j], edz[i * zs + j * units + u] = slopes[j];
        es[(i * 4 + j) * units + u] = sums[(i * 4 + j) * units + u] + slopes[j];
      }
    }
  const ckernels_lstm_step step = {z, zs, first ? NULL : before, cs, cells, cs, y, ys, gates, gs, rounded};
  k->lstm_gates(&g, &step);
  compare("lstm_gates, cells", 4e-7, cells, ec, rows * cs);
  compare("lstm_gates, y", 4e-7, y, ey, rows * ys);
  compare("lstm_gates, gates", 2.5e-7, gates, eg, rows * gs);
  const ckernels_lstm_gradient_step back = {dy, ys, dh, gates, gs, cells, first ? NULL : before, cs, dc, dz, zs, sums, rounded_dz};
  k->lstm_gate_gradients(&g, &back);
  compare("lstm_gate_gradients, dc", 1e-6, dc, edc, count);
  compare("lstm_gate_gradients, dz", 1e-6, dz, edz, rows * zs);
  compare("lstm_gate_gradients, sums", 1e-6, sums, es, rows * 4 * units);
  float *narrow = NEW(float, rows * zs);
  double *edn = NEW(double, rows * zs);
  for (ptrdiff_t i = 0; i < rows; i++) {
    for (ptrdiff_t u = 0; u < units; u++) {
      const uint32_t bits = (uint32_t)((uint16_t *)(rounded + i * words))[u] << 16;
      memcpy(narrow + i * zs + u, &bits, sizeof bits);
      edn[i * zs + u] = bfloat16(y[i * ys + u]);
    }
  }
  // Numbers below the smallest normal one have fewer bits than the reference gives them.
  compare("lstm_gates, rounded", 1e-38, narrow, edn, rows * zs);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t u = 0; u < 4 * units; u++) {
      const uint32_t bits = (uint32_t)((uint16_t *)(rounded_dz + i * 2 * units))[u] << 16;
      memcpy(narrow + i * zs + u, &bits, sizeof bits);
      edn[i * zs + u] = bfloat16(dz[i * zs + u]);
    }
  compare("lstm_gate_gradients, rounded", 1e-38, narrow, edn, rows * zs);
  release();
}

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

int main(void) {
  static const ptrdiff_t channels[] = {1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 40}, widths[] = {1, 5, 6, 7, 12, 13, 25};
  for (ckernels_level level = ckernels_level_baseline; level <= ckernels_best_level(); level++) {
    k = ckernels_for_level(level);
    for (int i = 0; i < 11; i++)
      for (int j = 0; j < 7; j++) {
        const ptrdiff_t c = channels[i], other = channels[(i + 2 * j + 1) % 11], w = widths[j], h = 1 + (i + j) % 6;
        test_convolution(h, w, c, other, 3, 3, 1 + j % 3, i % 2);
        test_convolution(h, w, other, c, 1 + i % 7, 1 + j, 1, j % 2);
        test_winograd(1 + i % 3, h, w, c, other, 1, j % 2);
        test_winograd(1 + j % 4, h + 2, w + 2, other, c, 0, i % 2);
        for (ptrdiff_t window = 1; window <= 3; window++)
          for (ptrdiff_t stride = 1; stride <= 3; stride++)
            for (int whole = 0; whole < 2; whole++)
              test_pooling(h, w, c, window, stride, window / 2 * (j % 2), whole, i % 2, (i + j) % 3 == 0);
      }
    test_convolution(2, 300, 2, 33, 3, 3, 1, 1);
    test_winograd(2, 21, 37, 3, 130, 1, 0);
    // Blocks of as many tiles as there are at most.
    test_winograd(1, 48, 48, 3, 31, 1, 1);
    test_pooling(9, 11, 300, 2, 2, 0, 1, 1, 0);
    static const ptrdiff_t rows[] = {1, 2, 127, 128, 129, 300}, columns[] = {1, 3, 17, 64, 255, 256, 257, 600};
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 8; j++) {
        test_columns(rows[i], columns[j]);
        test_layer_normalization(rows[i], columns[j], (float)(i % 3));
        test_softmax(rows[i], columns[j], i % 2 ? 40 : 1, 1 / (1 + (float)j));
      }
    static const ptrdiff_t counts[] = {0, 1, 7, 8, 9, 255, 256, 257, 5000};
    for (int i = 0; i < 9; i++) test_elements(counts[i]), test_arithmetic(counts[i]), test_adam(counts[i], i % 2);
    static const ptrdiff_t products[][3] = {{1, 1, 1}, {3, 5, 2}, {13, 33, 7}, {12, 64, 513}, {193, 9, 40}, {5, 70, 1025}};
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 4; j++) test_products(products[i][0], products[i][1], products[i][2], j & 1, j >> 1);
      for (int rows = 1; rows <= 4; rows++) test_float16_products(rows, products[i][1], products[i][2]);
    }
    for (int i = 0; i < 11; i++)
      for (ptrdiff_t length = 0; length <= 9; length++)
        for (int spread = 1; spread <= 1000; spread *= 10)
          test_temporal_classification(1 + (7 * i + 5 * length) % 40, 1 + channels[i], length, spread);

    // The other kernels' tests see the same numbers at every level as before there were these.
    const uint32_t last_state = state;
    for (int i = 0; i < 11; i++)
      for (ptrdiff_t j = 1; j <= 6; j++) {
        test_narrow_convolution(1 + i % 5, 7 * j - i % 4, channels[i], channels[(i + 2 * j) % 11], 3, 3, 1 + i % 2, j % 2);
        test_narrow_convolution(j, 1 + 3 * i, 1 + (i + j) % 5, channels[(i + j) % 11], 1 + j, 1 + i % 7, 1 + j % 3, i % 2);
      }
    test_narrow_convolution(3, 100, 3, 32, 5, 5, 2, 0);
    test_narrow_convolution(2, 600, 2, 33, 3, 3, 1, 1);
    test_narrow_convolution(5, 51, 48, 80, 3, 3, 1, 0);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 4; j++) test_panel_products(products[i][0], products[i][1], products[i][2], j & 1, j >> 1);
    static const ptrdiff_t units[] = {1, 3, 4, 5, 16, 21, 32, 33, 128};
    for (int i = 0; i < 9; i++)
      for (int j = 0; j < 2; j++) test_lstm(1 + i % 4, units[i], i % 3 == 2 ? 120 : 4, j);
    state = last_state;
    print_results();
  }
  printf(failures ? "%d kernels are wrong\n" : "all kernels agree\n", failures);
  return failures != 0;
}
