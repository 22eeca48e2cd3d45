// Loops over the rows of a matrix [rows, channels] that work per column: batch statistics, normalisation, bias gradients.
//
// Sums run in float over at most ROWS_PER_SUM rows and are then added up in double, so that long columns stay exact and
// the inner loop stays a plain vector sum. Columns are taken COLUMNS at a time.

#define ROWS_PER_SUM 128
#define COLUMNS 256

// For every element, at index `at` and column `c`, runs BODY, which adds to first[j] and second[j]; j counts the columns
// of the current group. The sums end in SUMS and SECOND_SUMS.
#define COLUMN_REDUCTION(BODY, SUMS, SECOND_SUMS)                                                                  \
  for (ptrdiff_t left = 0; left < channels; left += COLUMNS) {                                                     \
    const ptrdiff_t width = channels - left < COLUMNS ? channels - left : COLUMNS;                                 \
    for (ptrdiff_t top = 0; top < rows; top += ROWS_PER_SUM) {                                                     \
      const ptrdiff_t bottom = rows - top < ROWS_PER_SUM ? rows : top + ROWS_PER_SUM;                              \
      float first[COLUMNS], second[COLUMNS];                                                                       \
      memset(first, 0, width * sizeof(float));                                                                     \
      memset(second, 0, width * sizeof(float));                                                                    \
      for (ptrdiff_t row = top; row < bottom; row++)                                                               \
        for (ptrdiff_t j = 0; j < width; j++) {                                                                    \
          const ptrdiff_t c = left + j, at = row * channels + c;                                                   \
          BODY                                                                                                     \
        }                                                                                                          \
      for (ptrdiff_t j = 0; j < width; j++) {                                                                      \
        (SUMS)[left + j] += first[j];                                                                              \
        if (SECOND_SUMS) (SECOND_SUMS)[left + j] += second[j];                                                     \
      }                                                                                                            \
    }                                                                                                              \
  }
#define NO_SECOND ((double *)0)

static void LEVEL(column_moments)(const float *restrict x, ptrdiff_t rows, ptrdiff_t channels,
                                  const float *restrict pivot, double *restrict sums, double *restrict squares) {
  COLUMN_REDUCTION(
      {
        const float value = x[at] - pivot[c];
        first[j] += value;
        second[j] += value * value;
      },
      sums, squares)
}

// One or two vectors of columns from c on, whose sums are held in registers.
INLINE void LEVEL(rounded_columns)(const void *x, ptrdiff_t rows, ptrdiff_t channels, ptrdiff_t c, ptrdiff_t valid,
                                   const int vectors, const float *pivot, double *sums, double *squares, void *rounded,
                                   const int narrow) {
  vector pivots[2];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) pivots[v] = partial_load(pivot + c + v * LANES, valid);
  for (ptrdiff_t top = 0; top < rows; top += ROWS_PER_SUM) {
    const ptrdiff_t bottom = rows - top < ROWS_PER_SUM ? rows : top + ROWS_PER_SUM;
    vector first[2] = {{0}, {0}}, second[2] = {{0}, {0}};
    for (ptrdiff_t row = top; row < bottom; row++)
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const ptrdiff_t at = row * channels + c + v * LANES;
        vector number = LEVEL(load_numbers)(x, at, valid, narrow);
        if (!narrow) {
          number = LEVEL(bf_widened)(LEVEL(bf_halves)(number));
          LEVEL(store_numbers)(rounded, at, number, valid, 1);
        }
        const vector distance = number - pivots[v];
        first[v] += distance;
        second[v] += distance * distance;
      }
    for (int v = 0; v < vectors; v++)
      for (ptrdiff_t i = 0; i < valid; i++) {
        sums[c + v * LANES + i] += first[v][i];
        squares[c + v * LANES + i] += second[v][i];
      }
  }
}

INLINE void LEVEL(rounded_moments_any)(const void *x, ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                                       double *squares, void *rounded, const int narrow) {
  ptrdiff_t c = 0;
  for (; c + BLOCK <= channels; c += BLOCK)
    LEVEL(rounded_columns)(x, rows, channels, c, LANES, 2, pivot, sums, squares, rounded, narrow);
  for (; c < channels; c += LANES) {
    const ptrdiff_t left = channels - c;
    LEVEL(rounded_columns)(x, rows, channels, c, left < LANES ? left : LANES, 1, pivot, sums, squares, rounded, narrow);
  }
}

static void LEVEL(rounded_moments)(const void *x, ptrdiff_t rows, ptrdiff_t channels, const float *pivot, double *sums,
                                   double *squares, void *rounded) {
  if (rounded)
    LEVEL(rounded_moments_any)(x, rows, channels, pivot, sums, squares, rounded, 0);
  else
    LEVEL(rounded_moments_any)(x, rows, channels, pivot, sums, squares, NULL, 1);
}

static void LEVEL(column_products)(const float *restrict dy, const float *restrict x, ptrdiff_t rows,
                                   ptrdiff_t channels, const float *restrict pivot, double *restrict sums,
                                   double *restrict products) {
  COLUMN_REDUCTION(
      {
        first[j] += dy[at];
        second[j] += dy[at] * (x[at] - pivot[c]);
      },
      sums, products)
}

static void LEVEL(column_sums)(const float *restrict x, ptrdiff_t rows, ptrdiff_t channels, double *restrict sums) {
  COLUMN_REDUCTION({ first[j] += x[at]; (void)c; }, sums, NO_SECOND)
}

static void LEVEL(relu_gradient)(const float *restrict dy, const float *restrict y, ptrdiff_t rows, ptrdiff_t channels,
                                 float *restrict masked, double *restrict sums) {
  COLUMN_REDUCTION(
      {
        const float value = y[at] > 0 ? dy[at] : 0;
        masked[at] = value;
        first[j] += value;
        (void)c;
      },
      sums, NO_SECOND)
}

static void LEVEL(column_affine)(const float *restrict x, ptrdiff_t rows, ptrdiff_t channels,
                                 const float *restrict scale, const float *restrict shift, float *restrict y) {
  // Few channels, as of a picture, do not fill a vector: the numbers of several rows are taken for one.
  float scales[LANES * LANES], shifts[LANES * LANES];
  const ptrdiff_t together = channels > 0 && channels < LANES ? LANES : 1;
  if (together > 1) {
    for (ptrdiff_t i = 0; i < together * channels; i++) scales[i] = scale[i % channels], shifts[i] = shift[i % channels];
    for (; rows >= together; rows -= together, x += together * channels, y += together * channels)
      for (ptrdiff_t i = 0; i < together * channels; i++) y[i] = x[i] * scales[i] + shifts[i];
  }
  for (ptrdiff_t row = 0; row < rows; row++, x += channels, y += channels)
    for (ptrdiff_t c = 0; c < channels; c++) y[c] = x[c] * scale[c] + shift[c];
}

static void LEVEL(column_combine)(const float *restrict dy, const float *restrict x, ptrdiff_t rows, ptrdiff_t channels,
                                  const float *restrict a, const float *restrict b, const float *restrict c,
                                  float *restrict dx) {
  for (ptrdiff_t row = 0; row < rows; row++, dy += channels, x += channels, dx += channels)
    for (ptrdiff_t i = 0; i < channels; i++) dx[i] = dy[i] * a[i] + x[i] * b[i] + c[i];
}
