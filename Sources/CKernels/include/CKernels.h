/// The C loops of the framework that need SIMD, compiled once per SIMD level and chosen at run time.
///
/// All functions work on one thread and on memory that the caller owns; images are NHWC, `float` unless said otherwise.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// One convolution of one padded image (or of a block of its rows) as the kernels see it.
///
/// The input is already padded, so the window of output pixel (i, j) starts at input row `i * stride`, column
/// `j * stride`. For one kernel row the window is `kernel_width * input_channels` contiguous floats.
typedef struct {
  ptrdiff_t output_height, output_width;
  ptrdiff_t kernel_height, kernel_width;
  ptrdiff_t stride;
  ptrdiff_t input_channels, output_channels;
  ptrdiff_t input_row_stride;  ///< floats from one padded input row to the next
  /// Whether factors are rounded to bfloat16. The input is then that of `convolution_words` in a convolution, and in the
  /// gradient of the weights that of `bfloat16_pairs` with the distance of pixels, `stride * input_channels`.
  int bfloat16;
  /// Whether y of a convolution, and dy in the gradient of the weights, are bfloat16, two bytes each, in place of floats;
  /// only with tile registers.
  int bfloat16_result;
} ckernels_convolution;

/// A 3×3 convolution with stride 1 of a whole batch, for Winograd's algorithm (see winograd.h).
///
/// The images are not padded: `top` rows of zeros are thought above and `left` columns to the left of each.
typedef struct {
  ptrdiff_t height, width;
  ptrdiff_t output_height, output_width;
  ptrdiff_t top, left;
  ptrdiff_t input_channels, output_channels;
  /// Whether the factors of the points' products are rounded to bfloat16.
  int bfloat16;
} ckernels_winograd;

/// A matrix product c [rows, columns] = op(a) · op(b) over `depth`, row-major; strides are floats from row to row in
/// memory, and op transposes where asked.
typedef struct {
  ptrdiff_t rows, columns, depth;
  ptrdiff_t a_stride, b_stride, c_stride;
  int transpose_a, transpose_b;
  int bfloat16_b;  ///< whether b is bfloat16 in place of floats, which it can be where it is not transposed
} ckernels_product;

/// The right-hand side b [depth, columns] of products, packed in panels (see panel_products.h) of floats or, where `bfloat16`
/// is set, of pairs of bfloat16. A word is 32 bits: one float, or the two bfloat16 of an even and the following odd depth.
typedef struct {
  ptrdiff_t depth, columns;
  int bfloat16;
} ckernels_panels;

/// Some sequences of an LSTM at one step: a row is a sequence. Gates come in the order input, forget, cell, output.
typedef struct {
  ptrdiff_t rows, units;
} ckernels_lstm;

/// What one step reads and writes; strides are floats from row to row.
typedef struct {
  const float *z;  ///< [rows, 4 · units], the gates before their functions
  ptrdiff_t z_stride;
  const float *previous_cells;  ///< [rows, units]; NULL for zeros; may be `cells`
  ptrdiff_t previous_stride;
  float *cells;  ///< [rows, units]
  ptrdiff_t cell_stride;
  float *y;  ///< [rows, units]
  ptrdiff_t y_stride;
  float *gates;  ///< [rows, 4 · units], after their functions, for the gradient; may be NULL
  ptrdiff_t gate_stride;
  uint32_t *rounded;  ///< y in words of bfloat16, [rows, ⌈units / 2⌉]; may be NULL. The half that an odd number of units
                      ///< leaves over is not written.
} ckernels_lstm_step;

/// What the gradient of one step reads and writes.
typedef struct {
  const float *dy;  ///< [rows, units], the gradient of the step's result
  ptrdiff_t dy_stride;
  const float *dh;     ///< [rows, units] without gaps, what the following step adds to it
  const float *gates;  ///< as the step left them
  ptrdiff_t gate_stride;
  const float *cells, *previous_cells;  ///< as the step had them; `previous_cells` may be NULL for zeros
  ptrdiff_t cell_stride;
  float *dc;  ///< [rows, units] without gaps: the gradient of the cells, from the following step and for the previous one
  void *dz;  ///< [rows, 4 · units], floats or, where `rounded` is given, bfloat16
  ptrdiff_t dz_stride;
  float *sums;        ///< [rows, 4 · units] without gaps; dz is added to it
  uint32_t *rounded;  ///< dz in words of bfloat16, [rows, 2 · units] without gaps; may be NULL
} ckernels_lstm_gradient_step;

/// One max pooling of one image.
typedef struct {
  ptrdiff_t height, width, channels;
  ptrdiff_t output_height, output_width;
  ptrdiff_t window_height, window_width, stride_height, stride_width, top, left;
} ckernels_pooling;

/// A normalisation with ReLU before or after it, per channel.
///
/// Forward: y = [ReLU](x · scale + shift). Backward: dx = a · dy + b · x + c, then [ReLU's mask by x].
typedef struct {
  const float *scale, *shift, *a, *b, *c;
  int relu_before, relu_after;
  /// Whether x and the numbers of it that a pooling let through are bfloat16, two bytes each, in place of floats.
  int bfloat16;
  /// Whether y and its gradient are bfloat16, which they can be where x is.
  int bfloat16_result;
  /// Whether the gradient of x is bfloat16, which it can be where x is and windows are as large as their stride, without padding.
  int bfloat16_gradient;
} ckernels_normalization;

/// One step of Adam: the gradient is scaled and limited, the weights are first multiplied by `retention`, and the means
/// move by their gains; `rate` is corrected for the step's number.
typedef struct {
  float scale, limit, retention;
  float mean_gain, square_gain, rate, epsilon;
} ckernels_adam;

/// The outputs of one image for connectionist temporal classification: logits [columns, classes], with one class that
/// stands for no character.
typedef struct {
  ptrdiff_t columns, classes;
  ptrdiff_t blank;
} ckernels_temporal_classification;

/// The kernels of one SIMD level.
typedef struct {
  const char *name;
  /// Output channels per block of packed weights.
  ptrdiff_t channel_block;
  /// Whether products of bfloat16 are computed by tile registers.
  int has_matrix_tiles;

  /// The output rows first ..< last of y = [relu](x ⋆ w + bias). `weights` are packed by `pack_weights`; `bias` holds a
  /// multiple of `channel_block` floats. With bfloat16 and an odd kernel row, the number behind it is multiplied by zero: where
  /// that is not finite, y isn't either.
  void (*convolution)(const ckernels_convolution *geometry, const float *x, const float *weights, const float *bias,
                      int relu, ptrdiff_t first, ptrdiff_t last, void *y);
  /// The gradient of the weights for the output gradient `dy` of one image, in the layout that `ckernels_unpack_gradient`
  /// takes: added to `sums`, or written there. With bfloat16 up to 64 strides of pixels and 32 words behind the image are
  /// read; they, and pixels outside of all windows, have no effect unless they are not finite.
  void (*convolution_weight_gradient)(const ckernels_convolution *geometry, const float *x, const void *dy, int adds,
                                      float *sums);

  /// The numbers i and i + distance of x, for i from -lead (of at most `distance`) to count - 1, rounded to bfloat16, as the
  /// halves of a 32-bit word, the first one in the lower half. Before the first and behind the last number there are zeros.
  /// x holds floats, or bfloat16 where that is set.
  void (*bfloat16_pairs)(const void *x, int bfloat16, ptrdiff_t count, ptrdiff_t distance, ptrdiff_t lead, float *pairs);
  /// `count` numbers of a padded image, from its number `place` on, as a convolution with bfloat16 takes them; the numbers
  /// around are zero. The image has as much room as in floats, and what it holds is the level's own. x is that of
  /// `bfloat16_pairs`.
  void (*convolution_words)(const void *x, int bfloat16, ptrdiff_t count, ptrdiff_t place, float *image);
  /// Packs weights as `ckernels_pack_weights`, rounded to bfloat16 and two by two along each kernel row:
  /// [block][kernel row][pair][channel_block], with a zero beside an odd one.
  void (*bfloat16_weights)(const ckernels_convolution *geometry, const float *w, float *packed);

  /// Tiles of 4×4 outputs in the Winograd convolution of one image.
  ptrdiff_t (*winograd_tiles)(const ckernels_winograd *geometry);
  /// Floats that one thread needs as `scratch` for the convolution, and for the gradient of the weights.
  ptrdiff_t (*winograd_convolution_scratch)(const ckernels_winograd *geometry);
  ptrdiff_t (*winograd_gradient_scratch)(const ckernels_winograd *geometry);
  /// How many tiles the gradient of the weights is best given at once.
  ptrdiff_t (*winograd_gradient_tiles)(const ckernels_winograd *geometry);
  /// Floats that the weights take, seen at Winograd's points, and their gradient.
  ptrdiff_t (*winograd_weight_count)(const ckernels_winograd *geometry);
  ptrdiff_t (*winograd_gradient_count)(const ckernels_winograd *geometry);
  /// The input channels first ..< last of w [3, 3, input_channels, output_channels] at Winograd's points. `first` is even, and
  /// `last` too unless it is the number of channels.
  void (*winograd_weights)(const ckernels_winograd *geometry, const float *w, ptrdiff_t first, ptrdiff_t last,
                           float *points);
  /// The tiles first ..< last, counted over all images from `x` on, of y = [relu](x ⋆ w + bias). `bias` as in
  /// `convolution`.
  void (*winograd_convolution)(const ckernels_winograd *geometry, const float *x, const float *weights,
                               const float *bias, int relu, ptrdiff_t first, ptrdiff_t last, float *scratch, float *y);
  /// The gradient of the weights, at Winograd's points, of the tiles first ..< last: added to `points`, or written there.
  void (*winograd_weight_gradient)(const ckernels_winograd *geometry, const float *x, const float *dy, ptrdiff_t first,
                                   ptrdiff_t last, int adds, float *scratch, float *points);
  /// Adds up `parts` sums of `winograd_weight_gradient`, `part_stride` floats apart, and takes the input channels
  /// first ..< last back to dw [3, 3, input_channels, output_channels].
  void (*winograd_kernel_gradient)(const ckernels_winograd *geometry, const float *points, ptrdiff_t parts,
                                   ptrdiff_t part_stride, ptrdiff_t first, ptrdiff_t last, float *dw);

  /// The output rows first ..< last of y = max over the window of [relu](x · scale + shift), for one image. `winners` (may
  /// be NULL) receives the x that gave each y.
  void (*normalize_pool)(const ckernels_pooling *geometry, const ckernels_normalization *normalization, const void *x,
                         ptrdiff_t first, ptrdiff_t last, void *y, void *winners);
  /// Adds per channel Σ g and Σ g·(winner − pivot) over the `rows` pixels of y, where g is dy behind the normalisation's
  /// own ReLU.
  void (*normalize_pool_sums)(const ckernels_normalization *normalization, const void *dy, const void *winners,
                              ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums, double *products);
  /// The gradient of one image's x for the gradient `dy` of `normalize_pool`'s result; adds its sums per channel to `sums`.
  void (*normalize_pool_gradient)(const ckernels_pooling *geometry, const ckernels_normalization *normalization,
                                  const void *dy, const void *x, const void *winners, void *dx, double *sums);

  /// c = op(a) · op(b) with the factors rounded to bfloat16 and the sums in float; b holds bfloat16 where the geometry says so.
  /// c is not written where there is no depth.
  void (*bfloat16_product)(const ckernels_product *geometry, const float *a, const void *b, float *c);

  /// Columns per panel.
  ptrdiff_t panel;
  /// Columns with those that fill up the last panel: the words of a packed b are so many times the words of the depth.
  ptrdiff_t (*panel_columns)(ptrdiff_t columns);
  /// Packs the panels first ..< last of b [depth, columns], or of b [columns, depth] transposed; `stride` is that of b's
  /// rows. `packed` is the address of all panels.
  void (*pack_panels)(const ckernels_panels *geometry, const float *b, ptrdiff_t stride, int transposed,
                      ptrdiff_t first, ptrdiff_t last, uint32_t *packed);
  /// c [rows, columns] = a · b [+ bias] [+ c]; a row of a are the words of the depth, rows are `a_stride` words apart.
  void (*panel_product)(const ckernels_panels *geometry, const void *a, ptrdiff_t a_stride, ptrdiff_t rows,
                        const uint32_t *packed, const float *bias, int adds, float *c, ptrdiff_t c_stride);
  /// Rows of x, `stride` floats apart, rounded to bfloat16: [rows, ⌈columns / 2⌉] words, a missing number being zero.
  void (*bfloat16_words)(const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, uint32_t *words);

  /// The gates, cells and result of one step of an LSTM.
  void (*lstm_gates)(const ckernels_lstm *geometry, const ckernels_lstm_step *step);
  /// The gradient of z of one step of an LSTM.
  void (*lstm_gate_gradients)(const ckernels_lstm *geometry, const ckernels_lstm_gradient_step *step);

  /// Columns per block of float16 weights, and the most rows of a product with them; 0 where this level has none.
  ptrdiff_t float16_block, float16_rows;
  /// The blocks first ..< last of w [rows, columns] · scale as float16 (IEEE binary16): [block][rows][float16_block].
  void (*float16_pack)(const float *w, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t first, ptrdiff_t last, float scale,
                       uint16_t *packed);
  /// The blocks first ..< last of y [rows, columns] = x [rows, depth] · w · scale, with w packed by `float16_pack`.
  void (*float16_product)(const float *x, ptrdiff_t rows, ptrdiff_t depth, const uint16_t *w, ptrdiff_t columns,
                          ptrdiff_t first, ptrdiff_t last, float scale, float *y);

  /// Adds the column sums of d = x [rows, channels] - pivot [channels] and of d² to `sums` and `squares`; a pivot near
  /// the mean keeps the variance exact where it is small beside the mean.
  void (*column_moments)(const float *x, ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                         double *squares);
  /// The same of x rounded to bfloat16, which is written to `rounded`, two bytes each; or of x that holds bfloat16, for
  /// which `rounded` is NULL.
  void (*rounded_moments)(const void *x, ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                          double *squares, void *rounded);
  /// y = x · scale + shift per column.
  void (*column_affine)(const float *x, ptrdiff_t rows, ptrdiff_t channels, const float *scale, const float *shift,
                        float *y);
  /// Adds per column Σ dy and Σ dy·(x - pivot) to `sums` and `products`.
  void (*column_products)(const float *dy, const float *x, ptrdiff_t rows, ptrdiff_t channels, const float *pivot,
                          double *sums, double *products);
  /// dx = dy · a + x · b + c per column.
  void (*column_combine)(const float *dy, const float *x, ptrdiff_t rows, ptrdiff_t channels, const float *a,
                         const float *b, const float *c, float *dx);
  /// masked = dy where y > 0, else 0; adds the column sums of `masked` to `sums`.
  void (*relu_gradient)(const float *dy, const float *y, ptrdiff_t rows, ptrdiff_t channels, float *masked,
                        double *sums);
  /// Adds the column sums of x to `sums`.
  void (*column_sums)(const float *x, ptrdiff_t rows, ptrdiff_t channels, double *sums);

  /// Max pooling of one image. The window of output (i, j) starts at input row `i * stride - top`, column
  /// `j * stride - left`, and positions outside the image do not count. `offsets` (may be NULL) receives the winner's
  /// position in its window, row by row; of equal values the first wins.
  void (*max_pool)(const ckernels_pooling *geometry, const float *x, float *y, uint8_t *offsets);
  /// Adds each output's gradient to the input that won: `dx` of one image must be zero on entry.
  void (*max_pool_gradient)(const ckernels_pooling *geometry, const float *dy, const uint8_t *offsets, float *dx);

  /// w = w · retention − rate · mean / (√square + epsilon), after the means of the gradient and its square have moved; with
  /// `largest` (may be NULL) the largest mean square so far stands for `square` (AMSGrad).
  void (*adam)(const ckernels_adam *step, ptrdiff_t count, const float *gradient, float *weights, float *mean,
               float *square, float *largest);
  /// y = max(x, 0); a NaN stays.
  void (*relu)(const float *x, ptrdiff_t count, float *y);
  /// y = max(a + b, 0); a NaN stays.
  void (*add_relu)(const float *a, const float *b, ptrdiff_t count, float *y);
  /// y = a · alpha + b · beta.
  void (*combination)(const float *a, float alpha, const float *b, float beta, ptrdiff_t count, float *y);
  /// y = a · b.
  void (*product)(const float *a, const float *b, ptrdiff_t count, float *y);
  /// y = x · scale.
  void (*scaled)(const float *x, float scale, ptrdiff_t count, float *y);
  /// The sum of x² in double.
  double (*sum_of_squares)(const float *x, ptrdiff_t count);
  /// y[i] = bytes[i] / divisor.
  void (*bytes_to_float)(const uint8_t *bytes, ptrdiff_t count, float divisor, float *y);
  /// y[i] = x[i] * scale where the stream's 32-bit word number `first + i` is below `threshold`, else 0.
  /// The words are those of Philox 4×32-10 with this key; `first` is a multiple of 4.
  void (*dropout)(const float *x, ptrdiff_t count, uint64_t key, uint64_t first, uint32_t threshold, float scale,
                  float *y);

  /// Doubles that `temporal_classification` needs as `scratch` for a label of `length` characters.
  ptrdiff_t (*temporal_classification_scratch)(ptrdiff_t columns, ptrdiff_t length);
  /// Returns −log p(label | logits) of one image and writes its derivative by each logit to `slopes`; both are 0 where
  /// the label needs more columns than there are, and NaN where a logit is not finite. No character of the label is the
  /// blank.
  double (*temporal_classification)(const ckernels_temporal_classification *geometry, const float *logits,
                                    const int32_t *label, ptrdiff_t length, double *scratch, float *slopes);

  /// x [rows, columns] becomes e^(x · scale) / Σ e^(x · scale) over each row; scale > 0. A row with a number that is not
  /// finite becomes NaN where that number is NaN or the largest.
  void (*softmax_rows)(float *x, ptrdiff_t rows, ptrdiff_t columns, float scale);
  /// The gradient of the softmax's result y becomes that of x: y · (gradient − Σ y · gradient) · scale.
  void (*softmax_rows_gradient)(const float *y, ptrdiff_t rows, ptrdiff_t columns, float scale, float *gradient);

  /// y = (x − mean) · inverse · gamma + beta with the mean of each row of x [rows, channels] and inverse = 1 / √(variance +
  /// epsilon); `statistics` [rows, 2] receives mean and inverse.
  void (*layer_normalize)(const float *x, ptrdiff_t rows, ptrdiff_t channels, const float *gamma, const float *beta,
                          float epsilon, float *y, float *statistics);
  /// The gradient of x (may be NULL) for the gradient `dy` of `layer_normalize`'s result; adds those of gamma and beta.
  void (*layer_normalize_gradient)(const float *dy, const float *x, const float *statistics, ptrdiff_t rows,
                                   ptrdiff_t channels, const float *gamma, float *dx, double *gamma_gradient,
                                   double *beta_gradient);
} ckernels_table;

/// The SIMD levels, rising.
typedef enum {
  ckernels_level_baseline = 0,
  ckernels_level_avx2 = 1,
  ckernels_level_avx512 = 2,
  ckernels_level_avx512bf16 = 3,
  ckernels_level_amx = 4
} ckernels_level;

/// The highest level that this processor (and its operating system) runs. Asks the system for what a level needs, so that it
/// must be called before that level's kernels are.
ckernels_level ckernels_best_level(void);
/// The kernels of `level`, or NULL where they are not part of this build.
const ckernels_table *ckernels_for_level(ckernels_level level);

/// Floats that the packed weights of a convolution take at this level; of `bfloat16_weights` where the geometry says so.
ptrdiff_t ckernels_packed_count(const ckernels_table *table, const ckernels_convolution *geometry);
/// Packs w [kernel_height, kernel_width, input_channels, output_channels] into blocks of output channels:
/// [block][kernel row, column, input channel][channel_block], the missing channels of the last block being zero.
void ckernels_pack_weights(const ckernels_table *table, const ckernels_convolution *geometry, const float *w,
                           float *packed);
/// The places first ..< last of w's window (kernel row, column, input channel), of all output channels: what `parts` sums of
/// `convolution_weight_gradient` add up to. These are part_stride floats apart, each as long as packed weights of floats; the
/// first one is changed.
void ckernels_unpack_gradient(const ckernels_table *table, const ckernels_convolution *geometry, float *sums,
                              ptrdiff_t parts, ptrdiff_t part_stride, ptrdiff_t first, ptrdiff_t last, float *w);
/// y [columns, rows] = x [rows, columns] transposed.
void ckernels_transpose(const float *x, ptrdiff_t rows, ptrdiff_t columns, float *y);

/// Where AddressSanitizer watches, makes it report every access to a block of memory beyond its first `size` of `capacity`
/// bytes; otherwise does nothing.
void ckernels_limit_block(void *block, ptrdiff_t size, ptrdiff_t capacity);
/// The largest |x|; not finite where one of the numbers is not.
float ckernels_largest_magnitude(const float *x, ptrdiff_t count);
