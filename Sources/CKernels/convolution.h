// Direct convolution without an unfolded matrix.
//
// A tile is up to TILE output pixels of one row × one block of 2·LANES output channels, held in registers. For each
// float of the window (kernel row, column, input channel) two vectors of packed weights are loaded once and multiplied by
// that float of every pixel, so a tile of 12 × 32 channels does 24 multiply-adds for 14 loads.
// Rows are cut into tiles of nearly equal width, since a narrow rest would leave the arithmetic units waiting.
//
// In bfloat16 the floats of a kernel row are taken two by two: the input holds a word for each float and its successor, so
// that it is read as before at every second place. The last word of an odd row is multiplied by a pair with a zero.

// `x0` … `x9` stand three pixels apart, so that every pixel is reached with one pointer and a scaled index: twelve
// pointers would not fit the general registers. The empty assembly keeps the compiler from making them twelve again.
INLINE void LEVEL(convolution_tile)(const ckernels_convolution *g, const float *x, const float *w, const float *bias,
                                    ptrdiff_t valid, int relu, float *y, const int pixels, const int vectors,
                                    const int narrow) {
  const ptrdiff_t step = g->stride * g->input_channels;
  const ptrdiff_t run = g->kernel_width * g->input_channels;
  const int each = narrow ? 2 : 1;
  vector sums[TILE][2];
  vector first = load(bias), second = vectors == 2 ? load(bias + LANES) : first;
#pragma clang loop unroll(full)
  for (int p = 0; p < pixels; p++) {
    sums[p][0] = first;
    sums[p][1] = second;
  }
  for (ptrdiff_t row = 0; row < g->kernel_height; row++) {
    const float *x0 = x + row * g->input_row_stride;
    // Those that the tile does not reach stay at its first pixel, inside the image.
    const float *x3 = pixels > 3 ? x0 + 3 * step : x0;
    const float *x6 = pixels > 6 ? x0 + 6 * step : x0;
    const float *x9 = pixels > 9 ? x0 + 9 * step : x0;
    for (ptrdiff_t k = 0; k < run; k += each) {
      __asm__("" : "+r"(x0), "+r"(x3), "+r"(x6), "+r"(x9));
      first = load(w);
      if (vectors == 2) second = load(w + LANES);
#pragma clang loop unroll(full)
      for (int p = 0; p < pixels; p++) {
        const float *base = p < 3 ? x0 : p < 6 ? x3 : p < 9 ? x6 : x9;
        const float *value = base + (p % 3) * step;
        sums[p][0] = LEVEL(add_product)(sums[p][0], value, first, narrow);
        if (vectors == 2) sums[p][1] = LEVEL(add_product)(sums[p][1], value, second, narrow);
      }
      x0 += each, x3 += each, x6 += each, x9 += each;
      w += BLOCK;
    }
  }
#pragma clang loop unroll(full)
  for (int p = 0; p < pixels; p++) {
    float *out = y + p * g->output_channels;
    if (relu) {
      sums[p][0] = positive_part(sums[p][0]);
      if (vectors == 2) sums[p][1] = positive_part(sums[p][1]);
    }
    if (valid == vectors * LANES) {
      store(out, sums[p][0]);
      if (vectors == 2) store(out + LANES, sums[p][1]);
    } else {
      // Through a copy: an address of `sums` itself would keep it in memory.
      const vector rest[2] = {sums[p][0], sums[p][1]};
      memcpy(out, rest, valid * sizeof(float));
    }
  }
}

#define DEFINE_TILE(P)                                                                                             \
  static void LEVEL(convolution_tile_##P)(const ckernels_convolution *g, const float *x, const float *w,           \
                                          const float *bias, ptrdiff_t valid, int relu, float *y) {                \
    if (valid > LANES)                                                                                             \
      LEVEL(convolution_tile)(g, x, w, bias, valid, relu, y, P, 2, 0);                                             \
    else                                                                                                           \
      LEVEL(convolution_tile)(g, x, w, bias, valid, relu, y, P, 1, 0);                                             \
  }                                                                                                                \
  static void LEVEL(narrow_convolution_tile_##P)(const ckernels_convolution *g, const float *x, const float *w,    \
                                                 const float *bias, ptrdiff_t valid, int relu, float *y) {         \
    if (valid > LANES)                                                                                             \
      LEVEL(convolution_tile)(g, x, w, bias, valid, relu, y, P, 2, 1);                                             \
    else                                                                                                           \
      LEVEL(convolution_tile)(g, x, w, bias, valid, relu, y, P, 1, 1);                                             \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE

// By precision and number of pixels.
typedef void (*LEVEL(convolution_tile_function))(const ckernels_convolution *, const float *, const float *,
                                                 const float *, ptrdiff_t, int, float *);
#define NAME_TILE(P) LEVEL(convolution_tile_##P),
#define NAME_NARROW_TILE(P) LEVEL(narrow_convolution_tile_##P),
static const LEVEL(convolution_tile_function) LEVEL(convolution_tiles)[2][TILE] = {{FOR_EACH_TILE(NAME_TILE)},
                                                                                   {FOR_EACH_TILE(NAME_NARROW_TILE)}};
#undef NAME_TILE
#undef NAME_NARROW_TILE

#if !defined(MATRIX_TILES)
static void LEVEL(convolution_words)(const void *x, int bfloat16, ptrdiff_t count, ptrdiff_t place, float *image) {
  LEVEL(bfloat16_pairs)(x, bfloat16, count, 1, 0, image + place);
  if (count == 0 || place == 0) return;
  // The first number is also the successor of the one before it, which stays what it is.
  memcpy((uint16_t *)(image + place) - 1, image + place, sizeof(uint16_t));
}
#endif

static void LEVEL(convolution)(const ckernels_convolution *g, const float *x, const float *weights, const float *bias,
                               int relu, ptrdiff_t first, ptrdiff_t last, void *y) {
  const int narrow = g->bfloat16 != 0;
#if defined(MATRIX_TILES)
  if (narrow) {
    if (g->bfloat16_result)
      LEVEL(convolution_by_tiles)(g, x, weights, bias, relu, first, last, y, 1);
    else
      LEVEL(convolution_by_tiles)(g, x, weights, bias, relu, first, last, y, 0);
    return;
  }
#endif
  const ptrdiff_t run = g->kernel_width * g->input_channels;
  const ptrdiff_t window = g->kernel_height * (narrow ? (run + 1) / 2 : run);
  const ptrdiff_t tiles = (g->output_width + TILE - 1) / TILE;
  for (ptrdiff_t channel = 0; channel < g->output_channels; channel += BLOCK) {
    const ptrdiff_t left = g->output_channels - channel;
    const ptrdiff_t valid = left < BLOCK ? left : BLOCK;
    for (ptrdiff_t row = first; row < last; row++) {
      const float *input = x + row * g->stride * g->input_row_stride;
      float *output = (float *)y + row * g->output_width * g->output_channels + channel;
      for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        const ptrdiff_t start = g->output_width * tile / tiles, end = g->output_width * (tile + 1) / tiles;
        LEVEL(convolution_tiles)[narrow][end - start - 1](g, input + start * g->stride * g->input_channels, weights,
                                                          bias + channel, valid, relu,
                                                          output + start * g->output_channels);
      }
    }
    weights += window * BLOCK;
  }
}

static void LEVEL(bfloat16_weights)(const ckernels_convolution *g, const float *w, float *packed) {
  const ptrdiff_t run = g->kernel_width * g->input_channels, outputs = g->output_channels;
  for (ptrdiff_t channel = 0; channel < outputs; channel += BLOCK)
    for (ptrdiff_t row = 0; row < g->kernel_height; row++)
      for (ptrdiff_t k = 0; k < run; k += 2)
        for (ptrdiff_t lane = 0; lane < BLOCK; lane += LANES, packed += LANES) {
          const ptrdiff_t left = outputs - channel - lane, valid = left < 0 ? 0 : left < LANES ? left : LANES;
          const float *from = w + (row * run + k) * outputs + channel + lane;
          const vector odd = k + 1 < run ? partial_load(from + outputs, valid) : (vector){0};
          store(packed, (vector)LEVEL(bf_pairs)(partial_load(from, valid), odd));
        }
}
