// The whole of one SIMD level: its loops and their table. Included once by each level_*.c.
#include "levels.h"

#include "columns.h"
#include "convolution.h"
#include "convolution_weight_gradient.h"
#include "elementwise.h"
#include "pooling.h"

const ckernels_table LEVEL(ckernels_table) = {
    .name = LEVEL_NAME,
    .channel_block = BLOCK,
    .convolution = LEVEL(convolution),
    .convolution_weight_gradient = LEVEL(convolution_weight_gradient),
    .column_moments = LEVEL(column_moments),
    .column_affine = LEVEL(column_affine),
    .column_products = LEVEL(column_products),
    .column_combine = LEVEL(column_combine),
    .relu_gradient = LEVEL(relu_gradient),
    .column_sums = LEVEL(column_sums),
    .max_pool = LEVEL(max_pool),
    .max_pool_gradient = LEVEL(max_pool_gradient),
    .sum_of_squares = LEVEL(sum_of_squares),
    .bytes_to_float = LEVEL(bytes_to_float),
    .dropout = LEVEL(dropout),
};
