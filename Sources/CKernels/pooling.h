// Max pooling. Each window is scanned position by position with all channels of a pixel side by side, so that the
// comparisons are vector operations; the winner's position is kept as a byte per output for the gradient.

INLINE void LEVEL(keep_larger)(const float *restrict x, ptrdiff_t channels, uint8_t position, float *restrict best,
                               uint8_t *restrict offsets) {
  for (ptrdiff_t c = 0; c < channels; c++) {
    // A NaN wins and stays: errors must not be hidden by a comparison that is false.
    const int larger = x[c] > best[c] || (x[c] != x[c] && best[c] == best[c]);
    best[c] = larger ? x[c] : best[c];
    offsets[c] = larger ? position : offsets[c];
  }
}

INLINE void LEVEL(keep_larger_value)(const float *restrict x, ptrdiff_t channels, float *restrict best) {
  for (ptrdiff_t c = 0; c < channels; c++) best[c] = best[c] >= x[c] || best[c] != best[c] ? best[c] : x[c];
}

static void LEVEL(max_pool)(const ckernels_pooling *g, const float *x, float *y, uint8_t *offsets) {
  const ptrdiff_t channels = g->channels;
  for (ptrdiff_t i = 0; i < g->output_height; i++)
    for (ptrdiff_t j = 0; j < g->output_width; j++, y += channels) {
      int found = 0;
      for (ptrdiff_t a = 0; a < g->window_height; a++) {
        const ptrdiff_t row = i * g->stride_height - g->top + a;
        if (row < 0 || row >= g->height) continue;
        for (ptrdiff_t b = 0; b < g->window_width; b++) {
          const ptrdiff_t column = j * g->stride_width - g->left + b;
          if (column < 0 || column >= g->width) continue;
          const float *pixel = x + (row * g->width + column) * channels;
          const uint8_t position = (uint8_t)(a * g->window_width + b);
          if (!found) {
            memcpy(y, pixel, channels * sizeof(float));
            if (offsets) memset(offsets, position, channels);
            found = 1;
          } else if (offsets) {
            LEVEL(keep_larger)(pixel, channels, position, y, offsets);
          } else {
            LEVEL(keep_larger_value)(pixel, channels, y);
          }
        }
      }
      if (offsets) offsets += channels;
    }
}

static void LEVEL(max_pool_gradient)(const ckernels_pooling *g, const float *dy, const uint8_t *offsets, float *dx) {
  const ptrdiff_t channels = g->channels;
  for (ptrdiff_t i = 0; i < g->output_height; i++)
    for (ptrdiff_t j = 0; j < g->output_width; j++, dy += channels, offsets += channels)
      for (ptrdiff_t a = 0; a < g->window_height; a++) {
        const ptrdiff_t row = i * g->stride_height - g->top + a;
        if (row < 0 || row >= g->height) continue;
        for (ptrdiff_t b = 0; b < g->window_width; b++) {
          const ptrdiff_t column = j * g->stride_width - g->left + b;
          if (column < 0 || column >= g->width) continue;
          float *restrict pixel = dx + (row * g->width + column) * channels;
          const uint8_t position = (uint8_t)(a * g->window_width + b);
          for (ptrdiff_t c = 0; c < channels; c++) pixel[c] += offsets[c] == position ? dy[c] : 0;
        }
      }
}
