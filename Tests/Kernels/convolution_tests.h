// Convolutions and the gradients of their weights, directly and by Winograd's points.

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

// Half of `sums`, in two pieces and of two parts.
static void unpack_gradient(const ckernels_convolution *g, const float *sums, float *dw) {
  ckernels_convolution wide = *g;
  wide.bfloat16 = 0;
  const ptrdiff_t count = ckernels_packed_count(k, &wide), places = g->kernel_height * g->kernel_width * g->input_channels;
  float *parts = NEW(float, 2 * count);
  for (ptrdiff_t i = 0; i < 2 * count; i++) parts[i] = sums[i % count] / 4;
  ckernels_unpack_gradient(k, g, parts, 2, count, 0, places / 3, dw);
  ckernels_unpack_gradient(k, g, parts, 2, count, places / 3, places, dw);
}

// Half of the rows and then the other half are written to the last bit as all at once, and nothing beside them.
static void compare_halves(const char *name, const ckernels_convolution *g, const float *x, const float *packed,
                           const float *bias, int relu, const void *whole, size_t size) {
  const size_t row = size / (size_t)g->output_height, half = row * (size_t)(g->output_height / 2);
  char *y = NEW(char, size + 64);
  memset(y, 0x5A, size + 64);
  float wrong = 0;
  k->convolution(g, x, packed, bias, relu, g->output_height / 2, g->output_height, y);
  for (size_t i = 0; i < half; i++) wrong += y[i] != 0x5A;
  memset(y, 0x5A, size);
  k->convolution(g, x, packed, bias, relu, 0, g->output_height / 2, y);
  for (size_t i = half; i < size; i++) wrong += y[i] != 0x5A;
  k->convolution(g, x, packed, bias, relu, g->output_height / 2, g->output_height, y);
  for (size_t i = size; i < size + 64; i++) wrong += y[i] != 0x5A;
  wrong += memcmp(y, whole, size) != 0;
  compare(name, 0, &wrong, &(double){0}, 1);
}

static void test_convolution(ptrdiff_t oh, ptrdiff_t ow, ptrdiff_t c, ptrdiff_t oc, ptrdiff_t kh, ptrdiff_t kw,
                             ptrdiff_t stride, int relu) {
  const ptrdiff_t h = (oh - 1) * stride + kh, w = (ow - 1) * stride + kw, count = oh * ow * oc, size = kh * kw * c * oc;
  const ckernels_convolution g = {oh, ow, kh, kw, stride, c, oc, w * c, 0, 0};
  float *x = numbers(h * w * c), *weights = numbers(size), *bias = numbers(oc), *dy = numbers(count);
  const ptrdiff_t packed_count = ckernels_packed_count(k, &g);
  float *packed = NEW(float, packed_count), *sums = NEW(float, packed_count);
  float *y = NEW(float, count), *dw = NEW(float, size), *turned = NEW(float, size);
  double *ey = NEW(double, count), *edw = NEW(double, size), *ep = NEW(double, packed_count), *et = NEW(double, size);
  reference(h, w, c, oh, ow, oc, kh, kw, stride, 0, 0, x, weights, bias, relu, dy, ey, edw);

  ckernels_pack_weights(k, &g, weights, packed);
  const ptrdiff_t places = size / oc, lanes = k->channel_block;
  for (ptrdiff_t i = 0; i < size; i++) {
    const ptrdiff_t channel = i % oc, place = i / oc;
    ep[(channel / lanes * places + place) * lanes + channel % lanes] = et[channel * places + place] = weights[i];
  }
  compare("pack_weights", 0, packed, ep, packed_count);
  ckernels_transpose(weights, places, oc, turned);
  compare("transpose", 0, turned, et, size);
  k->convolution(&g, x, packed, padded_bias(oc, bias), relu, 0, oh, y);
  compare("convolution", 2e-6, y, ey, count);
  compare_halves("convolution, two halves", &g, x, packed, padded_bias(oc, bias), relu, y, count * sizeof *y);
  // Written over what is there, then added to it.
  for (ptrdiff_t i = 0; i < packed_count; i++) sums[i] = 7;
  k->convolution_weight_gradient(&g, x, dy, 0, sums);
  k->convolution_weight_gradient(&g, x, dy, 1, sums);
  unpack_gradient(&g, sums, dw);
  compare("convolution_weight_gradient", 2e-6, dw, edw, size);
  release();
}

static void test_narrow_convolution(ptrdiff_t oh, ptrdiff_t ow, ptrdiff_t c, ptrdiff_t oc, ptrdiff_t kh, ptrdiff_t kw,
                                    ptrdiff_t stride, int relu) {
  const ptrdiff_t h = (oh - 1) * stride + kh, w = (ow - 1) * stride + kw, count = oh * ow * oc, size = kh * kw * c * oc;
  const ckernels_convolution g = {oh, ow, kh, kw, stride, c, oc, w * c, 1, 0};
  ckernels_convolution wide = g, half = g;
  wide.bfloat16 = 0, half.bfloat16_result = 1;
  float *x = rounded_numbers(h * w * c), *weights = rounded_numbers(size), *bias = numbers(oc);
  float *dy = rounded_numbers(count);
  float *packed = NEW(float, ckernels_packed_count(k, &g)), *sums = NEW(float, ckernels_packed_count(k, &wide));
  // Behind the image what may be read without effect, and then NaN: tile registers read where AddressSanitizer doesn't see it.
  const ptrdiff_t behind = 64 * stride * c + 32, far = 2 * behind + 2000 * stride * c;
  float *words = NEW(float, h * w * c + behind + far), *y = NEW(float, count), *dw = NEW(float, size);
  for (ptrdiff_t i = 0; i < behind + far; i++) words[h * w * c + i] = i < behind ? 3 : NAN;
  double *ey = NEW(double, count), *edw = NEW(double, size);
  reference(h, w, c, oh, ow, oc, kh, kw, stride, 0, 0, x, weights, bias, relu, dy, ey, edw);

  k->bfloat16_weights(&g, weights, packed);
  const ptrdiff_t row_size = w * c;
  for (ptrdiff_t row = 0; row < h; row++)
    if (row % 2)
      k->convolution_words(x + row * row_size, 0, row_size, row * row_size, words);
    else
      k->convolution_words(halves_of(x + row * row_size, row_size), 1, row_size, row * row_size, words);
  k->convolution(&g, words, packed, padded_bias(oc, bias), relu, 0, oh, y);
  compare("convolution, bfloat16", 2e-6, y, ey, count);
  compare_halves("convolution, bfloat16, two halves", &g, words, packed, padded_bias(oc, bias), relu, y, count * sizeof *y);
  if (k->has_matrix_tiles) {
    uint16_t *narrow = NEW(uint16_t, count);
    k->convolution(&half, words, packed, padded_bias(oc, bias), relu, 0, oh, narrow);
    compare("convolution, bfloat16 result", 4e-3, floats_of(narrow, count), ey, count);
    compare_halves("convolution, bfloat16 result, two halves", &half, words, packed, padded_bias(oc, bias), relu, narrow,
                   count * sizeof *narrow);
  }
  k->bfloat16_pairs(x, 0, h * w * c, stride * c, 0, words);
  for (ptrdiff_t i = 0; i < ckernels_packed_count(k, &wide); i++) sums[i] = 7;
  k->convolution_weight_gradient(&g, words, dy, 0, sums);
  k->convolution_weight_gradient(&g, words, dy, 1, sums);
  unpack_gradient(&g, sums, dw);
  compare("convolution_weight_gradient, bfloat16", 2e-6, dw, edw, size);
  if (k->has_matrix_tiles) {
    k->bfloat16_pairs(halves_of(x, h * w * c), 1, h * w * c, stride * c, 0, words);
    k->convolution_weight_gradient(&half, words, halves_of(dy, count), 0, sums);
    k->convolution_weight_gradient(&half, words, halves_of(dy, count), 1, sums);
    unpack_gradient(&g, sums, dw);
    compare("convolution_weight_gradient, bfloat16 gradient", 2e-6, dw, edw, size);
  }
  release();
}

// Words of numbers and of their successors: runs with gaps, as the pixels of an image that a stride spreads out, by any lead.
static void test_words(ptrdiff_t count, ptrdiff_t distance, ptrdiff_t lead, ptrdiff_t place) {
  float *x = rounded_numbers(count), *pairs = NEW(float, lead + count);
  if (place % 2)
    k->bfloat16_pairs(x, 0, count, distance, lead, pairs);
  else
    k->bfloat16_pairs(halves_of(x, count), 1, count, distance, lead, pairs);
  float *halves = NEW(float, 2 * (lead + count));
  double *expected = NEW(double, 2 * (lead + count));
  for (ptrdiff_t i = 0; i < lead + count; i++)
    for (ptrdiff_t half = 0; half < 2; half++) {
      const ptrdiff_t at = i - lead + half * distance;
      expected[2 * i + half] = at >= 0 && at < count ? x[at] : 0;
      memcpy((char *)(halves + 2 * i + half) + 2, (char *)(pairs + i) + 2 * half, 2);
    }
  compare("bfloat16_pairs", 0, halves, expected, 2 * (lead + count));

  // A convolution of one row with a window of one number and a weight of one gives back what the words hold.
  const ptrdiff_t width = place + count;
  const ckernels_convolution g = {1, width, 1, 1, 1, 1, 1, width, 1, 0};
  float one = 1, zero = 0;
  float *packed = NEW(float, ckernels_packed_count(k, &g)), *words = NEW(float, width + 32), *y = NEW(float, width);
  double *ey = NEW(double, width);
  for (ptrdiff_t i = 0; i < count; i++) ey[place + i] = x[i];
  k->bfloat16_weights(&g, &one, packed);
  k->convolution_words(x, 0, count, place, words);
  k->convolution(&g, words, packed, padded_bias(1, &zero), 0, 0, 1, y);
  compare("convolution_words", 0, y, ey, width);
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
