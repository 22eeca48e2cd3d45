// Normalisation, ReLU and max pooling of one image in one pass, and their gradients.
//
// x is a convolution's result. Per channel y = max over the window of [ReLU](x · scale + shift). Since that rises or falls
// with x, the largest y is that of the largest x, or of the smallest where the scale is negative: only x is compared, and
// the winning x is kept. The gradient finds the winner again by comparing, so no positions are stored.

// Which numbers are bfloat16 in place of floats: x and the winners, y and its gradient, the gradient of x.
typedef struct {
  int x, y, dx;
} narrow_numbers;

// The sign bits of the scales: x with the sign flipped where the scale is negative is largest where y is.
INLINE vector LEVEL(sign)(vector scale) { return (vector)((vector_int)scale & (vector_int)splat(-0.0f)); }
INLINE vector LEVEL(flipped)(vector x, vector sign) { return (vector)((vector_int)x ^ (vector_int)sign); }

// Adds float sums of one row of windows to the double sums of the image.
INLINE void LEVEL(add_sums)(double *to, vector sums, ptrdiff_t valid) {
  for (ptrdiff_t i = 0; i < valid; i++) to[i] += sums[i];
}

// The largest pixel of a window, with the signs flipped as `sign` says.
INLINE vector LEVEL(window_maximum)(const void *x, ptrdiff_t at, ptrdiff_t row_stride, ptrdiff_t channels,
                                    ptrdiff_t rows, ptrdiff_t columns, vector sign, ptrdiff_t valid,
                                    const narrow_numbers narrow) {
  vector best = splat(-__builtin_inff());
  vector_int missing = {0};
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column++) {
      const ptrdiff_t from = at + row * row_stride + column * channels;
      const vector value = LEVEL(flipped)(LEVEL(load_numbers)(x, from, valid, narrow.x), sign);
      best = choose((vector_int)(best > value), best, value);
      missing |= (vector_int)(value != value);
    }
  // A NaN wins: errors must not be hidden by a comparison that is false.
  return choose(missing, splat(__builtin_nanf("")), best);
}

// The channels from c on of one window; `valid` is a constant where it is all of a vector, and so are the usual sizes.
INLINE void LEVEL(normalize_channels)(const ckernels_normalization *n, const void *x, ptrdiff_t from, ptrdiff_t row_stride,
                                      ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t c, ptrdiff_t valid,
                                      ptrdiff_t at, void *y, void *winners, const narrow_numbers narrow) {
  const vector factor = partial_load(n->scale + c, valid), offset = partial_load(n->shift + c, valid);
  const vector sign = LEVEL(sign)(factor);
  const vector largest = LEVEL(window_maximum)(x, from + c, row_stride, channels, rows, columns, sign, valid, narrow);
  const vector best = LEVEL(flipped)(largest, sign);
  vector result = best * factor + offset;
  if (n->relu_after) result = positive_part(result);
  LEVEL(store_numbers)(y, at + c, result, valid, narrow.y);
  if (winners) LEVEL(store_numbers)(winners, at + c, best, valid, narrow.x);
}

INLINE void LEVEL(normalize_window)(const ckernels_normalization *n, const void *x, ptrdiff_t from, ptrdiff_t row_stride,
                                    ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t at, void *y,
                                    void *winners, const narrow_numbers narrow) {
  ptrdiff_t c = 0;
  for (; c + LANES <= channels; c += LANES)
    LEVEL(normalize_channels)(n, x, from, row_stride, channels, rows, columns, c, LANES, at, y, winners, narrow);
  if (c < channels)
    LEVEL(normalize_channels)(n, x, from, row_stride, channels, rows, columns, c, channels - c, at, y, winners, narrow);
}

// One row of windows.
INLINE void LEVEL(normalize_pool_row)(const ckernels_pooling *g, const ckernels_normalization *n, const void *x,
                                      ptrdiff_t i, void *y, void *winners, const narrow_numbers narrow) {
  const ptrdiff_t channels = g->channels, row_stride = g->width * channels, top = i * g->stride_height - g->top;
  const ptrdiff_t first_row = top < 0 ? 0 : top;
  const ptrdiff_t last_row = top + g->window_height < g->height ? top + g->window_height : g->height;
  for (ptrdiff_t j = 0; j < g->output_width; j++) {
    const ptrdiff_t left = j * g->stride_width - g->left;
    const ptrdiff_t first_column = left < 0 ? 0 : left;
    const ptrdiff_t last_column = left + g->window_width < g->width ? left + g->window_width : g->width;
    const ptrdiff_t rows = last_row - first_row, columns = last_column - first_column;
    const ptrdiff_t from = first_row * row_stride + first_column * channels, at = (i * g->output_width + j) * channels;
    if (rows == 2 && columns == 2)
      LEVEL(normalize_window)(n, x, from, row_stride, channels, 2, 2, at, y, winners, narrow);
    else if (rows == 3 && columns == 3)
      LEVEL(normalize_window)(n, x, from, row_stride, channels, 3, 3, at, y, winners, narrow);
    else if (rows == 2 && columns == 1)
      LEVEL(normalize_window)(n, x, from, row_stride, channels, 2, 1, at, y, winners, narrow);
    else
      LEVEL(normalize_window)(n, x, from, row_stride, channels, rows, columns, at, y, winners, narrow);
  }
}

INLINE void LEVEL(normalize_pool_rows)(const ckernels_pooling *g, const ckernels_normalization *n, const void *x,
                                       ptrdiff_t first, ptrdiff_t last, void *y, void *winners, const narrow_numbers narrow) {
  if (g->window_height == 1 && g->window_width == 1 && g->stride_height == 1 && g->stride_width == 1) {
    // Without pooling every pixel is a window.
    for (ptrdiff_t pixel = first * g->width; pixel < last * g->width; pixel++)
      LEVEL(normalize_window)(n, x, pixel * g->channels, 0, g->channels, 1, 1, pixel * g->channels, y, winners, narrow);
    return;
  }
  for (ptrdiff_t i = first; i < last; i++) LEVEL(normalize_pool_row)(g, n, x, i, y, winners, narrow);
}

static void LEVEL(normalize_pool)(const ckernels_pooling *g, const ckernels_normalization *n, const void *x,
                                  ptrdiff_t first, ptrdiff_t last, void *y, void *winners) {
  if (n->bfloat16 && n->bfloat16_result)
    LEVEL(normalize_pool_rows)(g, n, x, first, last, y, winners, (narrow_numbers){1, 1, 0});
  else if (n->bfloat16)
    LEVEL(normalize_pool_rows)(g, n, x, first, last, y, winners, (narrow_numbers){1, 0, 0});
  else
    LEVEL(normalize_pool_rows)(g, n, x, first, last, y, winners, (narrow_numbers){0, 0, 0});
}

// A normalisation's numbers for one vector of channels.
typedef struct {
  vector a, b, c, scale, shift;
} LEVEL(channel_numbers);

// The gradient of the pixels of one window that no other has, and its sum; `at` is the place of its first pixel. Where `won_at`
// is no place of a window's result, the pixels have no gradient from above.
INLINE vector LEVEL(window_gradient)(const ckernels_normalization *n, const LEVEL(channel_numbers) numbers, const void *dy,
                                     const void *x, const void *winners, ptrdiff_t won_at, ptrdiff_t at,
                                     ptrdiff_t row_stride, ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t columns,
                                     ptrdiff_t valid, void *dx, const narrow_numbers narrow) {
  vector winner = {0}, gradient = {0}, sum = {0};
  if (won_at >= 0) {
    winner = LEVEL(load_numbers)(winners, won_at, valid, narrow.x);
    gradient = numbers.a * LEVEL(load_numbers)(dy, won_at, valid, narrow.y);
    if (n->relu_after)
      gradient = choose((vector_int)(winner * numbers.scale + numbers.shift > 0), gradient, (vector){0});
  }
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column++) {
      const ptrdiff_t pixel = at + row * row_stride + column * channels;
      const vector value = LEVEL(load_numbers)(x, pixel, valid, narrow.x);
      const vector_int won = (vector_int)(value == winner);
      vector slope = (value * numbers.b + numbers.c) + choose(won, gradient, (vector){0});
      // Of equal pixels only the first has won.
      gradient = choose(won, (vector){0}, gradient);
      if (n->relu_before) slope = choose((vector_int)(value > 0), slope, (vector){0});
      sum += slope;
      LEVEL(store_numbers)(dx, pixel, slope, valid, narrow.dx);
    }
  return sum;
}

// Row i of windows that do not overlap, so that each pixel is written once, for one or two vectors of channels from c on. The
// sizes of whole windows are constants for the usual ones.
INLINE void LEVEL(gradient_row)(const ckernels_pooling *g, const ckernels_normalization *n, const void *dy,
                                const void *x, const void *winners, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t width,
                                ptrdiff_t c, ptrdiff_t valid, const int vectors, void *dx, double *bias_sums,
                                const narrow_numbers narrow) {
  const ptrdiff_t channels = g->channels, row_stride = g->width * channels, first = i * g->stride_height * row_stride;
  const ptrdiff_t whole = g->width / width < g->output_width ? g->width / width : g->output_width;
  const ptrdiff_t results = i * g->output_width * channels;
  const int has_results = i < g->output_height;
  LEVEL(channel_numbers) numbers[2];
  vector sums[2] = {{0}, {0}};
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const ptrdiff_t from = c + v * LANES;
    numbers[v] = (LEVEL(channel_numbers)){partial_load(n->a + from, valid), partial_load(n->b + from, valid),
                                          partial_load(n->c + from, valid), partial_load(n->scale + from, valid),
                                          partial_load(n->shift + from, valid)};
  }
  for (ptrdiff_t j = 0; j < whole; j++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const ptrdiff_t from = c + v * LANES;
      sums[v] += LEVEL(window_gradient)(n, numbers[v], dy, x, winners, has_results ? results + j * channels + from : -1,
                                        first + j * width * channels + from, row_stride, channels, rows, width, valid, dx,
                                        narrow);
    }
  // A window that reaches beyond the image, and pixels behind the last window, which get no gradient from above.
  for (ptrdiff_t j = whole; j * width < g->width; j++)
    for (int v = 0; v < vectors; v++) {
      const ptrdiff_t from = c + v * LANES, left = g->width - j * width;
      sums[v] += LEVEL(window_gradient)(n, numbers[v], dy, x, winners,
                                        has_results && j < g->output_width ? results + j * channels + from : -1,
                                        first + j * width * channels + from, row_stride, channels, rows,
                                        left < width ? left : width, valid, dx, narrow);
    }
  for (int v = 0; v < vectors; v++) LEVEL(add_sums)(bias_sums + c + v * LANES, sums[v], valid);
}

INLINE void LEVEL(gradient_channels)(const ckernels_pooling *g, const ckernels_normalization *n, const void *dy,
                                     const void *x, const void *winners, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t width,
                                     void *dx, double *bias_sums, const narrow_numbers narrow) {
  ptrdiff_t c = 0;
  for (; c + BLOCK <= g->channels; c += BLOCK)
    LEVEL(gradient_row)(g, n, dy, x, winners, i, rows, width, c, LANES, 2, dx, bias_sums, narrow);
  for (; c < g->channels; c += LANES) {
    const ptrdiff_t left = g->channels - c;
    LEVEL(gradient_row)(g, n, dy, x, winners, i, rows, width, c, left < LANES ? left : LANES, 1, dx, bias_sums, narrow);
  }
}

INLINE void LEVEL(normalize_pool_gradient_apart)(const ckernels_pooling *g, const ckernels_normalization *n,
                                                 const void *dy, const void *x, const void *winners, void *dx,
                                                 double *bias_sums, const narrow_numbers narrow) {
  const ptrdiff_t height = g->stride_height, width = g->stride_width;
  for (ptrdiff_t i = 0; i * height < g->height; i++) {
    const ptrdiff_t rows = g->height - i * height < height ? g->height - i * height : height;
    if (rows == 1 && width == 1)
      LEVEL(gradient_channels)(g, n, dy, x, winners, i, 1, 1, dx, bias_sums, narrow);
    else if (rows == 2 && width == 1)
      LEVEL(gradient_channels)(g, n, dy, x, winners, i, 2, 1, dx, bias_sums, narrow);
    else if (rows == 2 && width == 2)
      LEVEL(gradient_channels)(g, n, dy, x, winners, i, 2, 2, dx, bias_sums, narrow);
    else
      LEVEL(gradient_channels)(g, n, dy, x, winners, i, rows, width, dx, bias_sums, narrow);
  }
}

// The gradient of x where a pixel may lie in several windows, whose parts are added up in floats.
INLINE void LEVEL(normalize_pool_gradient_overlapping)(const ckernels_pooling *g, const ckernels_normalization *n,
                                                       const void *dy, const void *x, const void *winners,
                                                       float *dx, double *bias_sums, const narrow_numbers narrow) {
  const ptrdiff_t channels = g->channels, pixels = g->height * g->width;
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++)
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES, at = pixel * channels + c;
      const vector value = LEVEL(load_numbers)(x, at, valid, narrow.x);
      partial_store(dx + at, value * partial_load(n->b + c, valid) + partial_load(n->c + c, valid), valid);
    }
  for (ptrdiff_t i = 0; i < g->output_height; i++)
    for (ptrdiff_t j = 0; j < g->output_width; j++)
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES;
        const ptrdiff_t at = (i * g->output_width + j) * channels + c;
        const vector winner = LEVEL(load_numbers)(winners, at, valid, narrow.x);
        vector gradient = partial_load(n->a + c, valid) * LEVEL(load_numbers)(dy, at, valid, narrow.y);
        if (n->relu_after) {
          const vector result =
              winner * partial_load(n->scale + c, valid) + partial_load(n->shift + c, valid);
          gradient = choose((vector_int)(result > 0), gradient, (vector){0});
        }
        for (ptrdiff_t row = i * g->stride_height - g->top, a = 0; a < g->window_height; a++, row++) {
          if (row < 0 || row >= g->height) continue;
          for (ptrdiff_t column = j * g->stride_width - g->left, b = 0; b < g->window_width; b++, column++) {
            if (column < 0 || column >= g->width) continue;
            const ptrdiff_t from = (row * g->width + column) * channels + c;
            const vector_int won = (vector_int)(LEVEL(load_numbers)(x, from, valid, narrow.x) == winner);
            partial_store(
                dx + from, partial_load(dx + from, valid) + choose(won, gradient, (vector){0}), valid);
            gradient = choose(won, (vector){0}, gradient);
          }
        }
      }
  for (ptrdiff_t row = 0; row < g->height; row++)
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES;
      vector sums = {0};
      for (ptrdiff_t column = 0; column < g->width; column++) {
        const ptrdiff_t at = (row * g->width + column) * channels + c;
        vector slope = partial_load(dx + at, valid);
        if (n->relu_before) {
          slope = choose((vector_int)(LEVEL(load_numbers)(x, at, valid, narrow.x) > 0), slope, (vector){0});
          partial_store(dx + at, slope, valid);
        }
        sums += slope;
      }
      LEVEL(add_sums)(bias_sums + c, sums, valid);
    }
}

INLINE void LEVEL(normalize_pool_gradient_any)(const ckernels_pooling *g, const ckernels_normalization *n,
                                               const void *dy, const void *x, const void *winners, void *dx,
                                               double *bias_sums, const narrow_numbers narrow) {
  if (g->window_height == g->stride_height && g->window_width == g->stride_width && g->top == 0 && g->left == 0)
    LEVEL(normalize_pool_gradient_apart)(g, n, dy, x, winners, dx, bias_sums, narrow);
  else if (narrow.dx)
    // Sums need floats: a caller's mistake, which would write behind dx.
    __builtin_trap();
  else
    LEVEL(normalize_pool_gradient_overlapping)(g, n, dy, x, winners, dx, bias_sums, narrow);
}

static void LEVEL(normalize_pool_gradient)(const ckernels_pooling *g, const ckernels_normalization *n, const void *dy,
                                           const void *x, const void *winners, void *dx, double *bias_sums) {
#define GRADIENT(...) LEVEL(normalize_pool_gradient_any)(g, n, dy, x, winners, dx, bias_sums, (narrow_numbers){__VA_ARGS__})
  if (!n->bfloat16)
    GRADIENT(0, 0, 0);
  else if (n->bfloat16_gradient)
    if (n->bfloat16_result)
      GRADIENT(1, 1, 1);
    else
      GRADIENT(1, 0, 1);
  else if (n->bfloat16_result)
    GRADIENT(1, 1, 0);
  else
    GRADIENT(1, 0, 0);
#undef GRADIENT
}

// One or two vectors of channels from c on, whose sums are held in registers.
INLINE void LEVEL(sum_channels)(const ckernels_normalization *n, const void *dy, const void *winners, ptrdiff_t rows,
                                ptrdiff_t channels, ptrdiff_t c, ptrdiff_t valid, const int vectors, const float *pivot,
                                double *sums, double *products, const int relu_after, const narrow_numbers narrow) {
  vector scales[2], shifts[2], pivots[2];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const ptrdiff_t from = c + v * LANES;
    scales[v] = partial_load(n->scale + from, valid), shifts[v] = partial_load(n->shift + from, valid);
    pivots[v] = partial_load(pivot + from, valid);
  }
  for (ptrdiff_t top = 0; top < rows; top += ROWS_PER_SUM) {
    const ptrdiff_t bottom = rows - top < ROWS_PER_SUM ? rows : top + ROWS_PER_SUM;
    vector first[2] = {{0}, {0}}, second[2] = {{0}, {0}};
    for (ptrdiff_t row = top; row < bottom; row++)
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const ptrdiff_t at = row * channels + c + v * LANES;
        const vector winner = LEVEL(load_numbers)(winners, at, valid, narrow.x);
        vector gradient = LEVEL(load_numbers)(dy, at, valid, narrow.y);
        if (relu_after) gradient = choose((vector_int)(winner * scales[v] + shifts[v] > 0), gradient, (vector){0});
        first[v] += gradient;
        second[v] += gradient * (winner - pivots[v]);
      }
    for (int v = 0; v < vectors; v++) {
      LEVEL(add_sums)(sums + c + v * LANES, first[v], valid);
      LEVEL(add_sums)(products + c + v * LANES, second[v], valid);
    }
  }
}

INLINE void LEVEL(normalize_pool_sums_any)(const ckernels_normalization *n, const void *dy, const void *winners,
                                           ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                                           double *products, const int relu_after, const narrow_numbers narrow) {
  ptrdiff_t c = 0;
  for (; c + BLOCK <= channels; c += BLOCK)
    LEVEL(sum_channels)(n, dy, winners, rows, channels, c, LANES, 2, pivot, sums, products, relu_after, narrow);
  for (; c < channels; c += LANES) {
    const ptrdiff_t left = channels - c, valid = left < LANES ? left : LANES;
    LEVEL(sum_channels)(n, dy, winners, rows, channels, c, valid, 1, pivot, sums, products, relu_after, narrow);
  }
}

static void LEVEL(normalize_pool_sums)(const ckernels_normalization *n, const void *dy, const void *winners,
                                       ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                                       double *products) {
#define SUMS(RELU, ...)                                                                                             \
  LEVEL(normalize_pool_sums_any)(n, dy, winners, rows, channels, pivot, sums, products, RELU,                       \
                                 (narrow_numbers){__VA_ARGS__})
  if (!n->bfloat16)
    n->relu_after ? SUMS(1, 0, 0, 0) : SUMS(0, 0, 0, 0);
  else if (n->bfloat16_result)
    n->relu_after ? SUMS(1, 1, 1, 0) : SUMS(0, 1, 1, 0);
  else
    n->relu_after ? SUMS(1, 1, 0, 0) : SUMS(0, 1, 0, 0);
#undef SUMS
}
