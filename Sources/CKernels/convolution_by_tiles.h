// Direct convolution of bfloat16 by tile registers (matrix_tiles.h), again without an unfolded matrix: a window's kernel row is
// a row of neighbours, so that windows are read as they lie in the image.

// The numbers of a row lie one after the other; rows begin as many words apart as they do in floats.
static void LEVEL(convolution_words)(const float *x, ptrdiff_t count, ptrdiff_t place, float *row) {
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) LEVEL(store_numbers)(row, place + i, load(x + i), LANES, 1);
  if (i < count) LEVEL(store_numbers)(row, place + i, partial_load(x + i, count - i), count - i, 1);
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

// Words, each a pair of pixels, that are taken at once: those of 32 channels take about the first-level cache.
#define GRADIENT_WORDS 448

// The output gradient of `rows` rows × `pixels` pixels and up to BLOCK channels, turned: [channel][row][pair]. Rows begin
// `row_words` words apart; where no pixel is, there are zeros, up to `words` in all.
INLINE void LEVEL(turn_gradient)(const ckernels_convolution *g, const float *dy, ptrdiff_t rows, ptrdiff_t pixels,
                                 ptrdiff_t valid, ptrdiff_t row_words, ptrdiff_t words, uint32_t *turned,
                                 ptrdiff_t stride) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    LEVEL(bf_pack_rows)(dy + i * g->output_width * g->output_channels, g->output_channels, 0, valid, pixels,
                        turned + i * row_words, stride);
    // Zeros are written to whole lines of words, over which the next row goes.
    const ptrdiff_t written = i * row_words + LEVEL(rounded)((pixels + 1) / 2, TILE_SIDE);
    const ptrdiff_t next = i + 1 < rows ? (i + 1) * row_words : words;
    if (written < next)
      for (ptrdiff_t c = 0; c < valid; c++)
        memset(turned + c * stride + written, 0, (size_t)(next - written) * sizeof *turned);
  }
}

// The sums are [output channel][kernel row, column, input channel]: the output gradient is turned once for all places in the
// window, and the image read as it lies, in pairs of pixels.
//
// With stride 1 the rows of the output lie as far apart as those of the image, so that all of them are one line of pixels,
// with zeros for the gradient where a row of the image goes on: only the whole has a rest that does not fill the registers.
static void LEVEL(gradient_by_tiles)(const ckernels_convolution *g, const float *x, const float *dy, int adds,
                                     float *sums) {
  LEVEL(tile_shape) shape = {0};
  const ptrdiff_t run = g->kernel_width * g->input_channels, step = g->stride * g->input_channels;
  const ptrdiff_t channels = g->output_channels, window = g->kernel_height * run, width = g->output_width;
  const ptrdiff_t line = g->input_row_stride / g->input_channels;
  const int is_line = g->stride == 1 && line % 2 == 0 && line * g->input_channels == g->input_row_stride &&
                      line <= 2 * GRADIENT_WORDS;
  const ptrdiff_t piece = width < 2 * GRADIENT_WORDS ? width : 2 * GRADIENT_WORDS;
  const ptrdiff_t row_words = is_line ? line / 2 : LEVEL(even_words)((piece + 1) / 2);
  const ptrdiff_t band = GRADIENT_WORDS / row_words, stride = GRADIENT_WORDS + TILE_SIDE;
  // Places of the window that read the same words of the image follow each other.
  const ptrdiff_t period = g->input_channels % (2 * TILE_SIDE) == 0 ? g->input_channels : run;
  uint32_t turned[BLOCK * (GRADIENT_WORDS + TILE_SIDE)] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < g->output_height; row += band) {
    const ptrdiff_t rows = g->output_height - row < band ? g->output_height - row : band;
    for (ptrdiff_t column = 0; column < width; column += piece) {
      const ptrdiff_t pixels = width - column < piece ? width - column : piece, pairs = (pixels + 1) / 2;
      // Rows that are cut into pieces come one by one, so that the last piece may be shorter.
      const ptrdiff_t words = LEVEL(even_words)(is_line ? (rows - 1) * row_words + pairs : pairs);
      for (ptrdiff_t channel = 0; channel < channels; channel += BLOCK) {
        const ptrdiff_t valid = channels - channel < BLOCK ? channels - channel : BLOCK;
        LEVEL(turn_gradient)(g, dy + (row * width + column) * channels + channel, rows, pixels, valid, row_words,
                             is_line ? words : rows * row_words, turned, stride);
        for (ptrdiff_t start = 0; start < period; start += 2 * TILE_SIDE)
          for (ptrdiff_t kernel_row = 0; kernel_row < g->kernel_height; kernel_row++)
            for (ptrdiff_t first = start; first < run; first += period) {
              const ptrdiff_t image_row = row * g->stride + kernel_row, left = period - start;
              LEVEL(multiply_tiles)(&shape, (LEVEL(tile_product)){
                                                .a = turned,
                                                .a_stride = 4 * stride,
                                                .a_segment = 4 * row_words,
                                                .b = x + image_row * g->input_row_stride + column * step + first,
                                                .b_stride = 8 * step,
                                                .b_segment = 4 * g->stride * g->input_row_stride,
                                                .segments = is_line ? 1 : rows,
                                                .words = words,
                                                .rows = valid,
                                                .columns = left < 2 * TILE_SIDE ? left : 2 * TILE_SIDE,
                                                .adds = adds || row > 0 || column > 0,
                                                .c = sums + channel * window + kernel_row * run + first,
                                                .c_stride = window});
            }
      }
    }
  }
  _tile_release();
}
