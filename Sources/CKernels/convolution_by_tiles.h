// Direct convolution of bfloat16 by tile registers (matrix_tiles.h), again without an unfolded matrix: a window's kernel row is
// a row of neighbours, so that windows are read as they lie in the image, two bytes a number.

static void LEVEL(convolution_words)(const void *x, int bfloat16, ptrdiff_t count, ptrdiff_t place, float *image) {
  if (bfloat16) {
    memcpy((uint16_t *)image + place, x, (size_t)count * sizeof(uint16_t));
    return;
  }
  const float *from = x;
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) LEVEL(store_numbers)(image, place + i, load(from + i), LANES, 1);
  if (i < count) LEVEL(store_numbers)(image, place + i, partial_load(from + i, count - i), count - i, 1);
}

// `count` pixels of up to BLOCK channels go from `sums` to y, from its number `at` on.
INLINE void LEVEL(put_pixels)(const float *sums, ptrdiff_t count, ptrdiff_t valid, int relu, void *y, ptrdiff_t at,
                              ptrdiff_t channels, const int narrow) {
  for (ptrdiff_t pixel = 0; pixel < count; pixel++, sums += BLOCK, at += channels) {
    vector first = load(sums), second = valid > LANES ? load(sums + LANES) : (vector){0};
    if (relu) first = positive_part(first), second = positive_part(second);
    if (narrow && valid == BLOCK) {
      const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
      _mm512_storeu_si512((uint16_t *)y + at, both);
      continue;
    }
    LEVEL(store_numbers)(y, at, first, valid < LANES ? valid : LANES, narrow);
    if (valid > LANES) LEVEL(store_numbers)(y, at + LANES, second, valid - LANES, narrow);
  }
}

// Tiles of up to 32 pixels × one block of output channels. With stride 1 the rows of the output lie as far apart as those of the
// image, so that all of them can be taken as one line of pixels: what is computed between two rows is thrown away, but the
// registers are full.
INLINE void LEVEL(convolution_by_tiles)(const ckernels_convolution *g, const float *x, const float *weights,
                                        const float *bias, int relu, ptrdiff_t first, ptrdiff_t last, void *y,
                                        const int narrow) {
  LEVEL(tile_shape) shape = {0};
  float sums[2 * TILE_SIDE * BLOCK] __attribute__((aligned(64)));
  const ptrdiff_t words = (g->kernel_width * g->input_channels + 1) / 2, step = 2 * g->stride * g->input_channels;
  const ptrdiff_t width = g->output_width, side = 2 * TILE_SIDE, line = g->input_row_stride / g->input_channels;
  const ptrdiff_t in_line = (last - first - 1) * line + width, in_row = LEVEL(rounded)(width, side) / side;
  const int is_line = g->stride == 1 && line * g->input_channels == g->input_row_stride &&
                      LEVEL(rounded)(in_line, side) / side < (last - first) * in_row;
  for (ptrdiff_t channel = 0; channel < g->output_channels; channel += BLOCK) {
    const ptrdiff_t left = g->output_channels - channel, valid = left < BLOCK ? left : BLOCK;
    for (ptrdiff_t row = first; row < (is_line ? first + 1 : last); row++)
      for (ptrdiff_t start = 0, tile = 0, count; start < (is_line ? in_line : width); start += count, tile++) {
        // Rows are cut into equal pieces, since a narrow rest would take as long as a whole piece.
        const ptrdiff_t end = is_line ? start + side : width * (tile + 1) / in_row;
        count = (is_line && end > in_line ? in_line : end) - start;
        LEVEL(tile_product) product = {
            .a = (const char *)x + 2 * row * g->stride * g->input_row_stride + start * step,
            .a_stride = step,
            .a_segment = 2 * g->input_row_stride,
            .b = weights,
            .b_stride = 4 * BLOCK,
            .b_segment = 4 * BLOCK * words,
            .segments = g->kernel_height,
            .words = words,
            .rows = count,
            .columns = valid > TILE_SIDE ? BLOCK : TILE_SIDE,
            .bias = bias + channel,
            .c = sums,
            .c_stride = BLOCK};
        // What can be written as it is; the sums begin with the bias either way, so that no bit depends on where tiles lie.
        if (!narrow && !relu && valid % TILE_SIDE == 0 && (!is_line || start % line + count <= width)) {
          product.c_stride = g->output_channels;
          product.c = (float *)y + ((row + start / line) * width + start % line) * g->output_channels + channel;
          LEVEL(multiply_tiles)(&shape, product);
          continue;
        }
        LEVEL(multiply_tiles)(&shape, product);
        for (ptrdiff_t pixel = start, pixels; pixel < start + count; pixel += pixels) {
          const ptrdiff_t output_row = row + pixel / line, column = pixel % line, in_piece = start + count - pixel;
          const ptrdiff_t in_output = width - column, at = (output_row * width + column) * g->output_channels + channel;
          const ptrdiff_t put = in_output < in_piece ? in_output : in_piece;
          pixels = line - column;
          if (put <= 0) continue;
          const float *from = sums + (pixel - start) * BLOCK;
          if (valid == BLOCK)
            LEVEL(put_pixels)(from, put, BLOCK, relu, y, at, g->output_channels, narrow);
          else
            LEVEL(put_pixels)(from, put, valid, relu, y, at, g->output_channels, narrow);
        }
      }
    weights += g->kernel_height * words * BLOCK;
  }
  _tile_release();
}

// Words, each a pair of pixels, that are taken at once: those of 32 channels take about the first-level cache.
#define GRADIENT_WORDS 448

// The output gradient of `rows` rows × `pixels` pixels and up to BLOCK channels, from dy's number `at` on, turned:
// [channel][row][pair]. Rows begin `row_words` words apart; where no pixel is, there are zeros, up to `words` in all.
INLINE void LEVEL(turn_gradient)(const ckernels_convolution *g, const void *dy, ptrdiff_t at, ptrdiff_t rows,
                                 ptrdiff_t pixels, ptrdiff_t valid, ptrdiff_t row_words, ptrdiff_t words, uint32_t *turned,
                                 ptrdiff_t stride, const int narrow) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    LEVEL(bf_turn_rows)(dy, at + i * g->output_width * g->output_channels, g->output_channels, valid, pixels,
                        turned + i * row_words, stride, narrow);
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
INLINE void LEVEL(gradient_by_tiles)(const ckernels_convolution *g, const float *x, const void *dy, int adds, float *sums,
                                     const int narrow) {
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
      // A line is taken in whole steps, whose words then begin where cache lines do.
      const ptrdiff_t line_words = LEVEL(rounded)((rows - 1) * row_words + pairs, TILE_SIDE);
      const ptrdiff_t words = is_line ? line_words : LEVEL(even_words)(pairs);
      for (ptrdiff_t channel = 0; channel < channels; channel += BLOCK) {
        const ptrdiff_t valid = channels - channel < BLOCK ? channels - channel : BLOCK;
        LEVEL(turn_gradient)(g, dy, (row * width + column) * channels + channel, rows, pixels, valid, row_words,
                             is_line ? words : rows * row_words, turned, stride, narrow);
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
