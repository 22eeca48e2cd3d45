// Products of matrices, in bfloat16, float16 and panels.

// The nearest number with eleven significant bits, or multiple of 2^-24.
static double half(float x) {
  int exponent;
  frexp(x, &exponent);
  const int unit = exponent - 11 < -24 ? -24 : exponent - 11;
  return ldexp(rint(ldexp(x, -unit)), unit);
}

static void test_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int transpose_a, int transpose_b) {
  const ptrdiff_t as = (transpose_a ? rows : depth) + 1, bs = (transpose_b ? depth : columns) + 2, cs = columns + 3;
  float *a = numbers((transpose_a ? depth : rows) * as), *b = numbers((transpose_b ? columns : depth) * bs);
  float *c = NEW(float, rows * cs), *y = NEW(float, rows * columns);
  double *e = NEW(double, rows * columns);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++)
      for (ptrdiff_t l = 0; l < depth; l++)
        e[i * columns + j] += bfloat16(a[transpose_a ? l * as + i : i * as + l]) *
                              bfloat16(b[transpose_b ? j * bs + l : l * bs + j]);
  const ckernels_product g = {rows, columns, depth, as, bs, cs, transpose_a, transpose_b, 0};
  k->bfloat16_product(&g, a, b, c);
  for (ptrdiff_t i = 0; i < rows; i++) memcpy(y + i * columns, c + i * cs, (size_t)columns * sizeof *y);
  compare("bfloat16_product", 2e-6, y, e, rows * columns);
  if (!transpose_b) {
    ckernels_product narrow = g;
    narrow.bfloat16_b = 1;
    for (ptrdiff_t i = 0; i < depth * bs; i++) b[i] = bfloat16(b[i]);
    k->bfloat16_product(&narrow, a, halves_of(b, depth * bs), c);
    for (ptrdiff_t i = 0; i < rows; i++) memcpy(y + i * columns, c + i * cs, (size_t)columns * sizeof *y);
    compare("bfloat16_product of bfloat16", 2e-6, y, e, rows * columns);
  }
  release();
}

static void test_float16_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) {
  if (rows > k->float16_rows) return;
  const ptrdiff_t blocks = (columns + k->float16_block - 1) / k->float16_block;
  float *x = numbers(rows * depth), *w = numbers(depth * columns), *y = NEW(float, rows * columns);
  uint16_t *packed = NEW(uint16_t, blocks * depth * k->float16_block);
  double *e = NEW(double, rows * columns);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++)
      for (ptrdiff_t l = 0; l < depth; l++) e[i * columns + j] += x[i * depth + l] * half(w[l * columns + j]);
  k->float16_pack(w, depth, columns, 0, blocks, 1, packed);
  k->float16_product(x, rows, depth, packed, columns, 0, blocks, 1, y);
  compare("float16_product", 2e-6, y, e, rows * columns);
  release();
}

static void test_panel_products(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, int transposed, int narrow) {
  const ckernels_panels g = {depth, columns, narrow};
  const ptrdiff_t bs = (transposed ? depth : columns) + 2, as = depth + 1, cs = columns + 3;
  const ptrdiff_t words = narrow ? (depth + 1) / 2 : depth, panels = (columns + k->panel - 1) / k->panel;
  float *a = numbers(rows * as), *b = numbers((transposed ? columns : depth) * bs), *bias = numbers(columns);
  float *c = numbers(rows * cs), *y = NEW(float, rows * columns);
  uint32_t *packed = NEW(uint32_t, k->panel_columns(columns) * words), *rounded = NEW(uint32_t, rows * words);
  double *e = NEW(double, rows * columns);
  for (int adds = 0; adds < 2; adds++) {
    for (ptrdiff_t i = 0; i < rows; i++)
      for (ptrdiff_t j = 0; j < columns; j++) {
        double sum = adds ? c[i * cs + j] : bias[j];
        for (ptrdiff_t l = 0; l < depth; l++) {
          const float left = a[i * as + l], right = b[transposed ? j * bs + l : l * bs + j];
          sum += narrow ? bfloat16(left) * bfloat16(right) : (double)left * right;
        }
        e[i * columns + j] = sum;
      }
    k->bfloat16_words(a, rows, narrow ? depth : 0, as, rounded);
    // In two parts, as threads would.
    k->pack_panels(&g, b, bs, transposed, 0, panels / 2, packed);
    k->pack_panels(&g, b, bs, transposed, panels / 2, panels, packed);
    k->panel_product(&g, narrow ? (void *)rounded : a, narrow ? words : as, rows, packed, adds ? NULL : bias, adds, c, cs);
    for (ptrdiff_t i = 0; i < rows; i++) memcpy(y + i * columns, c + i * cs, (size_t)columns * sizeof *y);
    compare(narrow ? "panel_product, bfloat16" : "panel_product", 2e-6, y, e, rows * columns);
  }
  release();
}
