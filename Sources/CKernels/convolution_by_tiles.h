// Direct convolution of bfloat16 by tile registers (matrix_tiles.h), again without an unfolded matrix: a window's kernel row is
// a row of neighbours, so that windows are read as they lie in the image.

// The input in bfloat16, without gaps in a row; rows begin as many words apart as they did in floats.
static void LEVEL(convolution_words)(const float *x, ptrdiff_t rows, ptrdiff_t row_stride, float *words) {
  for (ptrdiff_t row = 0; row < rows; row++, x += row_stride, words += row_stride) {
    ptrdiff_t i = 0;
    for (; i + LANES <= row_stride; i += LANES) LEVEL(bf_store)((uint32_t *)words + i / 2, load(x + i));
    for (; i < row_stride; i++) {
      const uint16_t half = (uint16_t)LEVEL(bf_bits)(x[i]);
      memcpy((uint16_t *)words + i, &half, sizeof half);
    }
  }
}

// Tiles of up to 32 pixels of one row × one block of output channels.
static void LEVEL(convolution_by_tiles)(const ckernels_convolution *g, const float *x, const float *weights,
                                        const float *bias, int relu, float *y) {
  LEVEL(tile_shape) shape = {0};
  const ptrdiff_t words = (g->kernel_width * g->input_channels + 1) / 2, step = 2 * g->stride * g->input_channels;
  const ptrdiff_t tiles = (g->output_width + 2 * TILE_SIDE - 1) / (2 * TILE_SIDE);
  for (ptrdiff_t channel = 0; channel < g->output_channels; channel += BLOCK) {
    const ptrdiff_t left = g->output_channels - channel;
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
      const ptrdiff_t start = g->output_width * tile / tiles, end = g->output_width * (tile + 1) / tiles;
      for (ptrdiff_t row = 0; row < g->output_height; row++)
        LEVEL(multiply_tiles)(&shape, (LEVEL(tile_product)){
                                          .a = (const char *)(x + row * g->stride * g->input_row_stride) + start * step,
                                          .a_stride = step,
                                          .a_segment = 4 * g->input_row_stride,
                                          .b = weights,
                                          .b_stride = 4 * BLOCK,
                                          .b_segment = 4 * BLOCK * words,
                                          .segments = g->kernel_height,
                                          .words = words,
                                          .rows = end - start,
                                          .columns = left < BLOCK ? left : BLOCK,
                                          .bias = bias + channel,
                                          .relu = relu,
                                          .c = y + (row * g->output_width + start) * g->output_channels + channel,
                                          .c_stride = g->output_channels});
    }
    weights += g->kernel_height * words * BLOCK;
  }
  _tile_release();
}

// Pairs of pixels that are taken at once, so that their output gradient lies in the first-level cache.
#define GRADIENT_PAIRS 256

// The sums are [output channel][kernel row, column, input channel]: the output gradient is turned once for all places in the
// window, and the image read as it lies, in pairs of pixels.
static void LEVEL(gradient_by_tiles)(const ckernels_convolution *g, const float *x, const float *dy, float *sums) {
  LEVEL(tile_shape) shape = {0};
  const ptrdiff_t run = g->kernel_width * g->input_channels, step = g->stride * g->input_channels;
  const ptrdiff_t channels = g->output_channels, window = g->kernel_height * run, width = g->output_width;
  const ptrdiff_t piece = width < 2 * GRADIENT_PAIRS ? width : 2 * GRADIENT_PAIRS;
  const ptrdiff_t band = GRADIENT_PAIRS / LEVEL(even_words)((piece + 1) / 2), stride = GRADIENT_PAIRS + TILE_SIDE;
  uint32_t turned[BLOCK * (GRADIENT_PAIRS + TILE_SIDE)] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < g->output_height; row += band) {
    const ptrdiff_t rows = g->output_height - row < band ? g->output_height - row : band;
    for (ptrdiff_t column = 0; column < width; column += piece) {
      const ptrdiff_t pixels = width - column < piece ? width - column : piece;
      const ptrdiff_t even = LEVEL(even_words)((pixels + 1) / 2);
      for (ptrdiff_t channel = 0; channel < channels; channel += BLOCK) {
        const ptrdiff_t valid = channels - channel < BLOCK ? channels - channel : BLOCK;
        // Turned: [channel][row][pair], zeros behind a row's last pair until the next row is written there.
        for (ptrdiff_t i = 0; i < rows; i++)
          LEVEL(bf_pack_rows)(dy + ((row + i) * width + column) * channels + channel, channels, 0, valid, pixels,
                              turned + i * even, stride);
        for (ptrdiff_t kernel_row = 0; kernel_row < g->kernel_height; kernel_row++)
          for (ptrdiff_t first = 0; first < run; first += 2 * TILE_SIDE) {
            const ptrdiff_t image_row = row * g->stride + kernel_row, left = run - first;
            LEVEL(multiply_tiles)(&shape, (LEVEL(tile_product)){
                                              .a = turned,
                                              .a_stride = 4 * stride,
                                              .a_segment = 4 * even,
                                              .b = x + image_row * g->input_row_stride + column * step + first,
                                              .b_stride = 8 * step,
                                              .b_segment = 4 * g->stride * g->input_row_stride,
                                              .segments = rows,
                                              .words = even,
                                              .rows = valid,
                                              .columns = left < 2 * TILE_SIDE ? left : 2 * TILE_SIDE,
                                              .adds = 1,
                                              .c = sums + channel * window + kernel_row * run + first,
                                              .c_stride = window});
          }
      }
    }
  }
  _tile_release();
}
