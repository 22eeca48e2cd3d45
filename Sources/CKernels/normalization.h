// Normalisation, ReLU and max pooling of one image in one pass, and their gradients.
//
// x is a convolution's result. Per channel y = max over the window of [ReLU](x · scale + shift). Since that rises or falls
// with x, the largest y is that of the largest x, or of the smallest where the scale is negative: only x is compared, and
// the winning x is kept. The gradient finds the winner again by comparing, so no positions are stored.

// The sign bits of the scales: x with the sign flipped where the scale is negative is largest where y is.
INLINE vector LEVEL(sign)(vector scale) { return (vector)((vector_int)scale & (vector_int)splat(-0.0f)); }
INLINE vector LEVEL(flipped)(vector x, vector sign) { return (vector)((vector_int)x ^ (vector_int)sign); }

// Adds float sums of one row of windows to the double sums of the image.
INLINE void LEVEL(add_sums)(double *to, vector sums, ptrdiff_t valid) {
  for (ptrdiff_t i = 0; i < valid; i++) to[i] += sums[i];
}

// The largest pixel of a window, with the signs flipped as `sign` says.
INLINE vector LEVEL(window_maximum)(const float *x, ptrdiff_t row_stride, ptrdiff_t channels, ptrdiff_t rows,
                                    ptrdiff_t columns, vector sign, ptrdiff_t valid) {
  vector best = splat(-__builtin_inff());
  vector_int missing = {0};
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column++) {
      const vector value = LEVEL(flipped)(partial_load(x + row * row_stride + column * channels, valid), sign);
      best = choose((vector_int)(best > value), best, value);
      missing |= (vector_int)(value != value);
    }
  // A NaN wins: errors must not be hidden by a comparison that is false.
  return choose(missing, splat(__builtin_nanf("")), best);
}

// One row of windows, for the channels from c on; `valid` is a constant where it is all of a vector.
INLINE void LEVEL(normalize_pool_row)(const ckernels_pooling *g, const float *x, const float *scale, const float *shift,
                                      int relu, ptrdiff_t i, ptrdiff_t c, ptrdiff_t valid, float *y, float *winners) {
  const ptrdiff_t channels = g->channels, top = i * g->stride_height - g->top;
  const ptrdiff_t first_row = top < 0 ? 0 : top;
  const ptrdiff_t last_row = top + g->window_height < g->height ? top + g->window_height : g->height;
  const vector factor = partial_load(scale + c, valid), offset = partial_load(shift + c, valid);
  const vector sign = LEVEL(sign)(factor);
  for (ptrdiff_t j = 0; j < g->output_width; j++) {
    const ptrdiff_t left = j * g->stride_width - g->left;
    const ptrdiff_t first_column = left < 0 ? 0 : left;
    const ptrdiff_t last_column = left + g->window_width < g->width ? left + g->window_width : g->width;
    const ptrdiff_t rows = last_row - first_row, columns = last_column - first_column;
    const float *pixel = x + (first_row * g->width + first_column) * channels + c;
    vector best;
    // Constant sizes for the usual windows, which the compiler unrolls.
    if (rows == 2 && columns == 2)
      best = LEVEL(window_maximum)(pixel, g->width * channels, channels, 2, 2, sign, valid);
    else if (rows == 3 && columns == 3)
      best = LEVEL(window_maximum)(pixel, g->width * channels, channels, 3, 3, sign, valid);
    else if (rows == 2 && columns == 1)
      best = LEVEL(window_maximum)(pixel, g->width * channels, channels, 2, 1, sign, valid);
    else
      best = LEVEL(window_maximum)(pixel, g->width * channels, channels, rows, columns, sign, valid);
    best = LEVEL(flipped)(best, sign);
    vector result = best * factor + offset;
    if (relu) result = positive_part(result);
    const ptrdiff_t at = (i * g->output_width + j) * channels + c;
    partial_store(y + at, result, valid);
    if (winners) partial_store(winners + at, best, valid);
  }
}

// Without pooling: every pixel by itself.
INLINE void LEVEL(normalize)(const float *x, const float *scale, const float *shift, int relu, ptrdiff_t pixels,
                             ptrdiff_t channels, float *y, float *winners) {
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++)
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES, at = pixel * channels + c;
      const vector value = partial_load(x + at, valid);
      vector result = value * partial_load(scale + c, valid) + partial_load(shift + c, valid);
      if (relu) result = positive_part(result);
      partial_store(y + at, result, valid);
      if (winners) partial_store(winners + at, value, valid);
    }
}

static void LEVEL(normalize_pool)(const ckernels_pooling *g, const float *x, const float *scale, const float *shift,
                                  int relu, ptrdiff_t first, ptrdiff_t last, float *y, float *winners) {
  if (g->window_height == 1 && g->window_width == 1 && g->stride_height == 1 && g->stride_width == 1) {
    const ptrdiff_t start = first * g->width * g->channels;
    LEVEL(normalize)(x + start, scale, shift, relu, (last - first) * g->width, g->channels, y + start,
                     winners ? winners + start : NULL);
    return;
  }
  for (ptrdiff_t i = first; i < last; i++) {
    ptrdiff_t c = 0;
    for (; c + LANES <= g->channels; c += LANES)
      LEVEL(normalize_pool_row)(g, x, scale, shift, relu, i, c, LANES, y, winners);
    if (c < g->channels) LEVEL(normalize_pool_row)(g, x, scale, shift, relu, i, c, g->channels - c, y, winners);
  }
}

// The gradient of the pixels of one window that no other has, and its sum. `last_row` and `last_column` are constants
// where the whole window lies inside the image.
INLINE vector LEVEL(window_gradient)(ptrdiff_t row_stride, ptrdiff_t channels, ptrdiff_t last_row, ptrdiff_t last_column,
                                     const float *x, vector winner, vector gradient, vector b, vector constant,
                                     int relu, ptrdiff_t valid, float *dx) {
  vector sums = {0};
  for (ptrdiff_t row = 0; row < last_row; row++)
    for (ptrdiff_t column = 0; column < last_column; column++) {
      const ptrdiff_t at = row * row_stride + column * channels;
      const vector value = partial_load(x + at, valid);
      const vector_int won = (vector_int)(value == winner);
      vector slope = (value * b + constant) + choose(won, gradient, (vector){0});
      // Of equal pixels only the first has won.
      gradient = choose(won, (vector){0}, gradient);
      if (relu) slope = choose((vector_int)(value > 0), slope, (vector){0});
      sums += slope;
      partial_store(dx + at, slope, valid);
    }
  return sums;
}

// One row of windows that do not overlap, for the channels from c on: each pixel is written once.
INLINE void LEVEL(gradient_row)(const ckernels_pooling *g, const ckernels_normalization *n, const float *dy,
                                const float *x, const float *winners, ptrdiff_t i, ptrdiff_t c, ptrdiff_t valid,
                                int relu_before, float *dx, double *bias_sums) {
  const ptrdiff_t channels = g->channels, row_stride = g->width * channels;
  const ptrdiff_t height = g->stride_height, width = g->stride_width;
  const vector a = partial_load(n->a + c, valid), b = partial_load(n->b + c, valid),
               constant = partial_load(n->c + c, valid), scale = partial_load(n->scale + c, valid),
               shift = partial_load(n->shift + c, valid);
  const ptrdiff_t rows = g->height - i * height < height ? g->height - i * height : height;
  vector sums = {0};
  for (ptrdiff_t j = 0; j * width < g->width; j++) {
    const ptrdiff_t columns = g->width - j * width < width ? g->width - j * width : width;
    vector winner = {0}, gradient = {0};
    // Pixels after the last window get no gradient from above.
    if (i < g->output_height && j < g->output_width) {
      const ptrdiff_t at = (i * g->output_width + j) * channels + c;
      winner = partial_load(winners + at, valid);
      gradient = a * partial_load(dy + at, valid);
      if (n->relu_after) gradient = choose((vector_int)(winner * scale + shift > 0), gradient, (vector){0});
    }
    const ptrdiff_t at = i * height * row_stride + j * width * channels + c;
    if (rows == 1 && columns == 1)
      sums += LEVEL(window_gradient)(row_stride, channels, 1, 1, x + at, winner, gradient, b, constant, relu_before,
                                     valid, dx + at);
    else if (rows == 2 && columns == 1)
      sums += LEVEL(window_gradient)(row_stride, channels, 2, 1, x + at, winner, gradient, b, constant, relu_before,
                                     valid, dx + at);
    else if (rows == 2 && columns == 2)
      sums += LEVEL(window_gradient)(row_stride, channels, 2, 2, x + at, winner, gradient, b, constant, relu_before,
                                     valid, dx + at);
    else
      sums += LEVEL(window_gradient)(row_stride, channels, rows, columns, x + at, winner, gradient, b, constant,
                                     relu_before, valid, dx + at);
  }
  LEVEL(add_sums)(bias_sums + c, sums, valid);
}

static void LEVEL(normalize_pool_gradient_apart)(const ckernels_pooling *g, const ckernels_normalization *n,
                                                 const float *dy, const float *x, const float *winners, float *dx,
                                                 double *bias_sums) {
  for (ptrdiff_t i = 0; i * g->stride_height < g->height; i++) {
    ptrdiff_t c = 0;
    for (; c + LANES <= g->channels; c += LANES)
      if (n->relu_before)
        LEVEL(gradient_row)(g, n, dy, x, winners, i, c, LANES, 1, dx, bias_sums);
      else
        LEVEL(gradient_row)(g, n, dy, x, winners, i, c, LANES, 0, dx, bias_sums);
    if (c < g->channels)
      LEVEL(gradient_row)(g, n, dy, x, winners, i, c, g->channels - c, n->relu_before, dx, bias_sums);
  }
}

// The gradient of x where a pixel may lie in several windows.
static void LEVEL(normalize_pool_gradient_overlapping)(const ckernels_pooling *g, const ckernels_normalization *n,
                                                       const float *dy, const float *x, const float *winners,
                                                       float *dx, double *bias_sums) {
  const ptrdiff_t channels = g->channels, pixels = g->height * g->width;
  for (ptrdiff_t pixel = 0; pixel < pixels; pixel++)
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES, at = pixel * channels + c;
      const vector value = partial_load(x + at, valid) * partial_load(n->b + c, valid) + partial_load(n->c + c, valid);
      partial_store(dx + at, value, valid);
    }
  for (ptrdiff_t i = 0; i < g->output_height; i++)
    for (ptrdiff_t j = 0; j < g->output_width; j++)
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        const ptrdiff_t valid = channels - c < LANES ? channels - c : LANES;
        const ptrdiff_t at = (i * g->output_width + j) * channels + c;
        const vector winner = partial_load(winners + at, valid);
        vector gradient = partial_load(n->a + c, valid) * partial_load(dy + at, valid);
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
            const vector_int won = (vector_int)(partial_load(x + from, valid) == winner);
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
          slope = choose((vector_int)(partial_load(x + at, valid) > 0), slope, (vector){0});
          partial_store(dx + at, slope, valid);
        }
        sums += slope;
      }
      LEVEL(add_sums)(bias_sums + c, sums, valid);
    }
}

static void LEVEL(normalize_pool_gradient)(const ckernels_pooling *g, const ckernels_normalization *n, const float *dy,
                                           const float *x, const float *winners, float *dx, double *bias_sums) {
  if (g->window_height == g->stride_height && g->window_width == g->stride_width && g->top == 0 && g->left == 0)
    LEVEL(normalize_pool_gradient_apart)(g, n, dy, x, winners, dx, bias_sums);
  else
    LEVEL(normalize_pool_gradient_overlapping)(g, n, dy, x, winners, dx, bias_sums);
}

static void LEVEL(normalize_pool_sums)(const ckernels_normalization *n, const float *restrict dy,
                                       const float *restrict winners, ptrdiff_t rows, ptrdiff_t channels,
                                       const float *restrict pivot, double *restrict sums, double *restrict products) {
  if (!n->relu_after) {
    LEVEL(column_products)(dy, winners, rows, channels, pivot, sums, products);
    return;
  }
  const float *restrict scale = n->scale, *restrict shift = n->shift;
  COLUMN_REDUCTION(
      {
        const float gradient = winners[at] * scale[c] + shift[c] > 0 ? dy[at] : 0;
        first[j] += gradient;
        second[j] += gradient * (winners[at] - pivot[c]);
      },
      sums, products)
}
