// The whole of one SIMD level: its loops and their table. Included once by each level_*.c.
#include "levels.h"

#include "adam.h"
#include "bfloat16.h"
#if defined(MATRIX_TILES)
  #include "matrix_tiles.h"
#endif
#include "bfloat16_products.h"
#if defined(MATRIX_TILES)
  #include "convolution_by_tiles.h"
#endif
#include "columns.h"
#include "convolution.h"
#include "convolution_weight_gradient.h"
#include "elementwise.h"
#include "exponential.h"
#include "attention.h"
#include "float16_products.h"
#include "panel_products.h"
#include "layer_normalization.h"
#include "lstm.h"
#include "normalization.h"
#include "pooling.h"
#include "temporal_classification.h"
#include "winograd.h"
#include "winograd_products.h"
#include "winograd_weights.h"

const ckernels_table LEVEL(ckernels_table) = {
    .name = LEVEL_NAME,
    .channel_block = BLOCK,
#if defined(MATRIX_TILES)
    .has_matrix_tiles = 1,
#endif
    .convolution = LEVEL(convolution),
    .convolution_weight_gradient = LEVEL(convolution_weight_gradient),
    .bfloat16_pairs = LEVEL(bfloat16_pairs),
    .convolution_words = LEVEL(convolution_words),
    .bfloat16_weights = LEVEL(bfloat16_weights),
    .winograd_tiles = LEVEL(winograd_tiles),
    .winograd_convolution_scratch = LEVEL(winograd_convolution_scratch),
    .winograd_gradient_scratch = LEVEL(winograd_gradient_scratch),
    .winograd_gradient_tiles = LEVEL(gradient_tile_block),
    .winograd_weight_count = LEVEL(winograd_weight_count),
    .winograd_gradient_count = LEVEL(winograd_gradient_count),
    .winograd_weights = LEVEL(winograd_weights),
    .winograd_convolution = LEVEL(winograd_convolution),
    .winograd_weight_gradient = LEVEL(winograd_weight_gradient),
    .winograd_kernel_gradient = LEVEL(winograd_kernel_gradient),
    .normalize_pool = LEVEL(normalize_pool),
    .normalize_pool_sums = LEVEL(normalize_pool_sums),
    .normalize_pool_gradient = LEVEL(normalize_pool_gradient),
    .bfloat16_product = LEVEL(bfloat16_product),
    .panel = PANEL,
    .panel_columns = LEVEL(panel_columns),
    .pack_panels = LEVEL(pack_panels),
    .panel_product = LEVEL(panel_product),
    .bfloat16_words = LEVEL(bfloat16_words),
    .lstm_gates = LEVEL(lstm_gates),
    .lstm_gate_gradients = LEVEL(lstm_gate_gradients),
    .float16_block = FLOAT16_BLOCK,
    .float16_rows = FLOAT16_ROWS,
#if FLOAT16_BLOCK
    .float16_pack = LEVEL(float16_pack),
    .float16_product = LEVEL(float16_product),
#endif
    .column_moments = LEVEL(column_moments),
    .rounded_moments = LEVEL(rounded_moments),
    .column_affine = LEVEL(column_affine),
    .column_products = LEVEL(column_products),
    .column_combine = LEVEL(column_combine),
    .relu_gradient = LEVEL(relu_gradient),
    .column_sums = LEVEL(column_sums),
    .max_pool = LEVEL(max_pool),
    .max_pool_gradient = LEVEL(max_pool_gradient),
    .adam = LEVEL(adam),
    .relu = LEVEL(relu),
    .add_relu = LEVEL(add_relu),
    .combination = LEVEL(combination),
    .product = LEVEL(product),
    .scaled = LEVEL(scaled),
    .sum_of_squares = LEVEL(sum_of_squares),
    .bytes_to_float = LEVEL(bytes_to_float),
    .dropout = LEVEL(dropout),
    .temporal_classification_scratch = LEVEL(temporal_classification_scratch),
    .temporal_classification = LEVEL(temporal_classification),
    .softmax_rows = LEVEL(softmax_rows),
    .softmax_rows_gradient = LEVEL(softmax_rows_gradient),
    .layer_normalize = LEVEL(layer_normalize),
    .layer_normalize_gradient = LEVEL(layer_normalize_gradient),
};
