// Every kernel of the table, at every SIMD level that the processor runs, against plain loops in double.
//
// In C alone, so that it runs where there is no Swift: under an emulator of another processor, see scripts/arm64, and
// under the compiler's sanitizers, see scripts/sanitizers. All memory is as large as the kernels' contract says, to the
// byte. Prints the kernels' worst errors, relative to the largest value of each result (at least 1); fails where one is
// too large.
#include "comparison.h"
#include "convolution_tests.h"
#include "elementwise_tests.h"
#include "pooling_tests.h"
#include "product_tests.h"
#include "row_tests.h"
#include "sequence_tests.h"

int main(void) {
  static const ptrdiff_t channels[] = {1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 40}, widths[] = {1, 5, 6, 7, 12, 13, 25};
  for (ckernels_level level = ckernels_level_baseline; level <= ckernels_best_level(); level++) {
    k = ckernels_for_level(level);
    for (int i = 0; i < 11; i++)
      for (int j = 0; j < 7; j++) {
        const ptrdiff_t c = channels[i], other = channels[(i + 2 * j + 1) % 11], w = widths[j], h = 1 + (i + j) % 6;
        test_convolution(h, w, c, other, 3, 3, 1 + j % 3, i % 2);
        test_convolution(h, w, other, c, 1 + i % 7, 1 + j, 1, j % 2);
        test_winograd(1 + i % 3, h, w, c, other, 1, j % 2);
        test_winograd(1 + j % 4, h + 2, w + 2, other, c, 0, i % 2);
        for (ptrdiff_t window = 1; window <= 3; window++)
          for (ptrdiff_t stride = 1; stride <= 3; stride++)
            for (int whole = 0; whole < 2; whole++)
              for (int narrow = 0; narrow < 2; narrow++)
                test_pooling(h, w, c, window, stride, window / 2 * (j % 2), whole, i % 2, (i + j) % 3 == 0, narrow);
      }
    test_convolution(2, 300, 2, 33, 3, 3, 1, 1);
    test_winograd(2, 21, 37, 3, 130, 1, 0);
    // Blocks of as many tiles as there are at most.
    test_winograd(1, 48, 48, 3, 31, 1, 1);
    test_pooling(9, 11, 300, 2, 2, 0, 1, 1, 0, 0);
    test_pooling(9, 11, 300, 2, 2, 0, 1, 1, 0, 1);
    static const ptrdiff_t rows[] = {1, 2, 127, 128, 129, 300}, columns[] = {1, 3, 17, 64, 255, 256, 257, 600};
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 8; j++) {
        test_columns(rows[i], columns[j]);
        test_layer_normalization(rows[i], columns[j], (float)(i % 3));
        test_softmax(rows[i], columns[j], i % 2 ? 40 : 1, 1 / (1 + (float)j));
      }
    static const ptrdiff_t counts[] = {0, 1, 7, 8, 9, 255, 256, 257, 5000};
    for (int i = 0; i < 9; i++) test_elements(counts[i]), test_arithmetic(counts[i]), test_adam(counts[i], i % 2);
    static const ptrdiff_t products[][3] = {{1, 1, 1}, {3, 5, 2}, {13, 33, 7}, {12, 64, 513}, {193, 9, 40}, {5, 70, 1025}};
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 4; j++) test_products(products[i][0], products[i][1], products[i][2], j & 1, j >> 1);
      for (int rows = 1; rows <= 4; rows++) test_float16_products(rows, products[i][1], products[i][2]);
    }
    for (int i = 0; i < 11; i++)
      for (ptrdiff_t length = 0; length <= 9; length++)
        for (int spread = 1; spread <= 1000; spread *= 10)
          test_temporal_classification(1 + (7 * i + 5 * length) % 40, 1 + channels[i], length, spread);

    // The other kernels' tests see the same numbers at every level as before there were these.
    const uint32_t last_state = state;
    for (int i = 0; i < 11; i++)
      for (ptrdiff_t j = 1; j <= 6; j++) {
        test_narrow_convolution(1 + i % 5, 7 * j - i % 4, channels[i], channels[(i + 2 * j) % 11], 3, 3, 1 + i % 2, j % 2);
        test_narrow_convolution(j, 1 + 3 * i, 1 + (i + j) % 5, channels[(i + j) % 11], 1 + j, 1 + i % 7, 1 + j % 3, i % 2);
      }
    test_narrow_convolution(3, 100, 3, 32, 5, 5, 2, 0);
    test_narrow_convolution(2, 900, 2, 33, 3, 3, 1, 1);
    // Rows that are cut into pieces.
    test_narrow_convolution(1, 901, 1, 4, 3, 3, 2, 0);
    test_narrow_convolution(1, 1793, 1, 3, 1, 2, 1, 0);
    test_narrow_convolution(2, 600, 2, 33, 3, 3, 1, 1);
    for (ptrdiff_t i = 0; i < 11; i++)
      for (ptrdiff_t j = 0; j < 6; j++) test_words(channels[i] + j, channels[(i + j) % 11], channels[(i + j) % 11] * (j % 3) / 2, 7 * j + i);
    test_narrow_convolution(5, 51, 48, 80, 3, 3, 1, 0);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 4; j++) test_panel_products(products[i][0], products[i][1], products[i][2], j & 1, j >> 1);
    static const ptrdiff_t units[] = {1, 3, 4, 5, 16, 21, 32, 33, 128};
    for (int i = 0; i < 9; i++)
      for (int j = 0; j < 2; j++) test_lstm(1 + i % 4, units[i], i % 3 == 2 ? 120 : 4, j);
    state = last_state;
    print_results();
  }
  printf(failures ? "%d kernels are wrong\n" : "all kernels agree\n", failures);
  return failures != 0;
}
