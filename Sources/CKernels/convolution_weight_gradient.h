// The gradient of a convolution's weights: for every weight the sum over pixels of input × output gradient.
//
// A tile is up to TILE neighbouring floats of the window (column and input channel, contiguous in the input) × one block
// of 2·LANES output channels, held in registers while the pixels of a few rows stream by: per pixel two vectors of the
// output gradient and TILE input floats. Rows are taken in bands of about 256 pixels, so that a band's output gradient
// stays in the first-level cache for all tiles, while loading and storing the tile's sums stays cheap.

INLINE void LEVEL(gradient_tile)(const ckernels_convolution *g, const float *x, const float *dy, ptrdiff_t rows,
                                 float *sums_out, const int weights, const int vectors) {
  const ptrdiff_t step = g->stride * g->input_channels;
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < weights; r++) {
    sums[r][0] = load(sums_out + r * BLOCK);
    if (vectors == 2) sums[r][1] = load(sums_out + r * BLOCK + LANES);
  }
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *input = x + row * g->stride * g->input_row_stride;
    const float *gradient = dy + row * g->output_width * BLOCK;
    for (ptrdiff_t column = 0; column < g->output_width; column++) {
      const vector first = load(gradient);
      const vector second = vectors == 2 ? load(gradient + LANES) : first;
#pragma clang loop unroll(full)
      for (int r = 0; r < weights; r++) {
        const vector value = splat(input[r]);
        sums[r][0] += value * first;
        if (vectors == 2) sums[r][1] += value * second;
      }
      input += step;
      gradient += BLOCK;
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < weights; r++) {
    store(sums_out + r * BLOCK, sums[r][0]);
    if (vectors == 2) store(sums_out + r * BLOCK + LANES, sums[r][1]);
  }
}

#define DEFINE_TILE(R)                                                                                             \
  static void LEVEL(gradient_tile_##R)(const ckernels_convolution *g, const float *x, const float *dy,             \
                                       ptrdiff_t rows, ptrdiff_t valid, float *sums) {                             \
    if (valid > LANES)                                                                                             \
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 2);                                                            \
    else                                                                                                           \
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 1);                                                            \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE

typedef void (*LEVEL(gradient_tile_function))(const ckernels_convolution *, const float *, const float *, ptrdiff_t,
                                              ptrdiff_t, float *);
#define NAME_TILE(R) LEVEL(gradient_tile_##R),
static const LEVEL(gradient_tile_function) LEVEL(gradient_tiles)[TILE] = {FOR_EACH_TILE(NAME_TILE)};
#undef NAME_TILE

#define BAND_PIXELS 256

static void LEVEL(convolution_weight_gradient)(const ckernels_convolution *g, const float *x, const float *dy,
                                               float *weight_gradient) {
  const ptrdiff_t run = g->kernel_width * g->input_channels;
  const ptrdiff_t tiles = (run + TILE - 1) / TILE;
  const ptrdiff_t width = g->output_width;
  // A band is at least one row; rows wider than the buffer are cut into pieces.
  const ptrdiff_t piece_width = width < BAND_PIXELS ? width : BAND_PIXELS;
  const ptrdiff_t band = BAND_PIXELS / piece_width;
  float gradient[BAND_PIXELS * BLOCK] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < g->output_height; row += band) {
    const ptrdiff_t rows = g->output_height - row < band ? g->output_height - row : band;
    for (ptrdiff_t column = 0; column < width; column += piece_width) {
      ckernels_convolution piece = *g;
      piece.output_width = width - column < piece_width ? width - column : piece_width;
      const float *input = x + row * g->stride * g->input_row_stride + column * g->stride * g->input_channels;
      float *sums = weight_gradient;
      for (ptrdiff_t channel = 0; channel < g->output_channels; channel += BLOCK) {
        const ptrdiff_t left = g->output_channels - channel;
        const ptrdiff_t valid = left < BLOCK ? left : BLOCK;
        float *packed = gradient;
        for (ptrdiff_t i = 0; i < rows; i++)
          for (ptrdiff_t j = 0; j < piece.output_width; j++, packed += BLOCK) {
            const float *source = dy + ((row + i) * width + column + j) * g->output_channels + channel;
            if (valid == BLOCK) {
              store(packed, load(source));
              store(packed + LANES, load(source + LANES));
            } else {
              memset(packed, 0, BLOCK * sizeof(float));
              memcpy(packed, source, valid * sizeof(float));
            }
          }
        for (ptrdiff_t kernel_row = 0; kernel_row < g->kernel_height; kernel_row++) {
          const float *window = input + kernel_row * g->input_row_stride;
          for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t start = run * tile / tiles, end = run * (tile + 1) / tiles;
            LEVEL(gradient_tiles)[end - start - 1](&piece, window + start, gradient, rows, valid, sums + start * BLOCK);
          }
          sums += run * BLOCK;
        }
      }
    }
  }
}
