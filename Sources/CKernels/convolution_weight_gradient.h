// The gradient of a convolution's weights: for every weight the sum over pixels of input × output gradient.
//
// A tile is up to TILE neighbouring floats of the window (column and input channel, contiguous in the input) × one block
// of 2·LANES output channels, held in registers while the pixels of a few rows stream by: per pixel two vectors of the
// output gradient and TILE input floats. Rows are taken in bands of about 256 pixels, so that a band's output gradient
// stays in the first-level cache for all tiles, while loading and storing the tile's sums stays cheap.
//
// In bfloat16 the pixels of a row are taken two by two: the input holds a word for each float and the one that lies as far
// behind it as the next pixel's window. The last pixel of an odd row is multiplied by a pair with a zero.

INLINE void LEVEL(gradient_tile)(const ckernels_convolution *g, const float *x, const float *dy, ptrdiff_t rows,
                                 float *sums_out, const int weights, const int vectors, const int narrow) {
  const int each = narrow ? 2 : 1;
  const ptrdiff_t step = each * g->stride * g->input_channels, columns = (g->output_width + each - 1) / each;
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < weights; r++) {
    sums[r][0] = load(sums_out + r * BLOCK);
    if (vectors == 2) sums[r][1] = load(sums_out + r * BLOCK + LANES);
  }
  for (ptrdiff_t row = 0; row < rows; row++) {
    const float *input = x + row * g->stride * g->input_row_stride;
    const float *gradient = dy + row * columns * BLOCK;
    for (ptrdiff_t column = 0; column < columns; column++) {
      const vector first = load(gradient);
      const vector second = vectors == 2 ? load(gradient + LANES) : first;
#pragma clang loop unroll(full)
      for (int r = 0; r < weights; r++) {
        sums[r][0] = LEVEL(add_product)(sums[r][0], input + r, first, narrow);
        if (vectors == 2) sums[r][1] = LEVEL(add_product)(sums[r][1], input + r, second, narrow);
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
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 2, 0);                                                         \
    else                                                                                                           \
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 1, 0);                                                         \
  }                                                                                                                \
  static void LEVEL(narrow_gradient_tile_##R)(const ckernels_convolution *g, const float *x, const float *dy,      \
                                              ptrdiff_t rows, ptrdiff_t valid, float *sums) {                      \
    if (valid > LANES)                                                                                             \
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 2, 1);                                                         \
    else                                                                                                           \
      LEVEL(gradient_tile)(g, x, dy, rows, sums, R, 1, 1);                                                         \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE

// By precision and number of weights.
typedef void (*LEVEL(gradient_tile_function))(const ckernels_convolution *, const float *, const float *, ptrdiff_t,
                                              ptrdiff_t, float *);
#define NAME_TILE(R) LEVEL(gradient_tile_##R),
#define NAME_NARROW_TILE(R) LEVEL(narrow_gradient_tile_##R),
static const LEVEL(gradient_tile_function) LEVEL(gradient_tiles)[2][TILE] = {{FOR_EACH_TILE(NAME_TILE)},
                                                                             {FOR_EACH_TILE(NAME_NARROW_TILE)}};
#undef NAME_TILE
#undef NAME_NARROW_TILE

// The output gradients of one row of pixels, BLOCK channels of which `valid` exist, in pairs.
INLINE void LEVEL(gradient_pairs)(const float *dy, ptrdiff_t channels, ptrdiff_t width, ptrdiff_t valid, float *pairs) {
  for (ptrdiff_t column = 0; column < width; column += 2, dy += 2 * channels)
    for (ptrdiff_t lane = 0; lane < BLOCK; lane += LANES, pairs += LANES) {
      const ptrdiff_t left = valid - lane, lanes = left < 0 ? 0 : left < LANES ? left : LANES;
      const vector odd = column + 1 < width ? partial_load(dy + channels + lane, lanes) : (vector){0};
      store(pairs, (vector)LEVEL(bf_pairs)(partial_load(dy + lane, lanes), odd));
    }
}

#define BAND_PIXELS 256

static void LEVEL(convolution_weight_gradient)(const ckernels_convolution *g, const float *x, const void *output_gradient, int adds,
                                               float *weight_gradient) {
  const int narrow = g->bfloat16 != 0;
#if defined(MATRIX_TILES)
  if (narrow) {
    if (g->bfloat16_result)
      LEVEL(gradient_by_tiles)(g, x, output_gradient, adds, weight_gradient, 1);
    else
      LEVEL(gradient_by_tiles)(g, x, output_gradient, adds, weight_gradient, 0);
    return;
  }
#endif
  const float *dy = output_gradient;
  const ptrdiff_t run = g->kernel_width * g->input_channels;
  const ptrdiff_t tiles = (run + TILE - 1) / TILE;
  const ptrdiff_t width = g->output_width;
  if (!adds)
    memset(weight_gradient, 0,
           (size_t)(LEVEL(rounded)(g->output_channels, BLOCK) * g->kernel_height * run) * sizeof(float));
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
        for (ptrdiff_t i = 0; i < rows; i++) {
          if (narrow) {
            LEVEL(gradient_pairs)(dy + ((row + i) * width + column) * g->output_channels + channel, g->output_channels,
                                  piece.output_width, valid, packed);
            packed += (piece.output_width + 1) / 2 * BLOCK;
            continue;
          }
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
        }
        for (ptrdiff_t kernel_row = 0; kernel_row < g->kernel_height; kernel_row++) {
          const float *window = input + kernel_row * g->input_row_stride;
          for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t start = run * tile / tiles, end = run * (tile + 1) / tiles;
            LEVEL(gradient_tiles)[narrow][end - start - 1](&piece, window + start, gradient, rows, valid,
                                                           sums + start * BLOCK);
          }
          sums += run * BLOCK;
        }
      }
    }
  }
}
