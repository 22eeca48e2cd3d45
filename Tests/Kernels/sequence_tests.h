// Connectionist temporal classification and LSTM.

static double log_sum(double a, double b) {
  const double most = fmax(a, b);
  return most == -INFINITY ? most : most + log(exp(a - most) + exp(b - most));
}

// Both directions in logarithms, as Graves et al. write them.
static void test_temporal_classification(ptrdiff_t columns, ptrdiff_t classes, ptrdiff_t length, float spread) {
  const ptrdiff_t blank = word() % classes, states = 2 * length + 1;
  float *z = numbers(columns * classes), *slopes = NEW(float, columns *classes);
  for (ptrdiff_t i = 0; i < columns * classes; i++) z[i] *= spread;
  int32_t *label = NEW(int32_t, length);
  ptrdiff_t least = length;
  for (ptrdiff_t i = 0; i < length; i++) {
    label[i] = (blank + 1 + word() % (classes - 1)) % classes;
    if (i && word() % 3 == 0) label[i] = label[i - 1];
    least += i && label[i] == label[i - 1];
  }
  double *y = NEW(double, columns *classes), *expected = NEW(double, columns *classes);
  double *a = NEW(double, (columns + 1) * states), *b = NEW(double, (columns + 1) * states);
  for (ptrdiff_t t = 0; t < columns; t++) {
    double sum = -INFINITY;
    for (ptrdiff_t c = 0; c < classes; c++) sum = log_sum(sum, z[t * classes + c]);
    for (ptrdiff_t c = 0; c < classes; c++) y[t * classes + c] = z[t * classes + c] - sum;
  }
#define CLASS_OF(s) ((s) % 2 ? label[(s) / 2] : blank)
#define MAY_SKIP_TO(s) ((s) % 2 && (s) > 1 && label[(s) / 2] != label[(s) / 2 - 1])
  for (ptrdiff_t t = 0; t < columns; t++)
    for (ptrdiff_t s = 0; s < states; s++) {
      double sum = t ? a[(t - 1) * states + s] : s > 1 ? -INFINITY : 0;
      if (t && s > 0) sum = log_sum(sum, a[(t - 1) * states + s - 1]);
      if (t && MAY_SKIP_TO(s)) sum = log_sum(sum, a[(t - 1) * states + s - 2]);
      a[t * states + s] = sum + y[t * classes + CLASS_OF(s)];
    }
  for (ptrdiff_t t = columns - 1; t >= 0; t--)
    for (ptrdiff_t s = 0; s < states; s++) {
      if (t == columns - 1) {
        b[t * states + s] = s + 2 >= states ? 0 : -INFINITY;
        continue;
      }
#define BEHIND(s) (b[(t + 1) * states + (s)] + y[(t + 1) * classes + CLASS_OF(s)])
      double sum = BEHIND(s);
      if (s + 1 < states) sum = log_sum(sum, BEHIND(s + 1));
      if (s + 2 < states && MAY_SKIP_TO(s + 2)) sum = log_sum(sum, BEHIND(s + 2));
      b[t * states + s] = sum;
    }
  double total = a[columns * states - 1];
  if (length) total = log_sum(total, a[columns * states - 2]);
  for (ptrdiff_t i = 0; i < columns * classes && columns >= least; i++) expected[i] = exp(y[i]);
  for (ptrdiff_t t = 0; t < columns && columns >= least; t++)
    for (ptrdiff_t s = 0; s < states; s++)
      expected[t * classes + CLASS_OF(s)] -= exp(a[t * states + s] + b[t * states + s] - total);
  const double loss = columns < least ? 0 : -total;
  const ckernels_temporal_classification geometry = {columns, classes, blank};
  double *scratch = NEW(double, k->temporal_classification_scratch(columns, length));
  const double actual = k->temporal_classification(&geometry, z, label, length, scratch, slopes);
  compare_sums("temporal classification", &actual, &loss, 1);
  compare("temporal classification, slopes", 1e-6, slopes, expected, columns * classes);
  release();
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

// One step and its gradient; with `first`, that of a sequence's first step.
static void test_lstm(ptrdiff_t rows, ptrdiff_t units, float scale, int first) {
  const ckernels_lstm g = {rows, units};
  const ptrdiff_t zs = 4 * units + 1, cs = units + 2, ys = units + 3, gs = 4 * units + 4, count = rows * units;
  const ptrdiff_t words = (units + 1) / 2;
  float *z = numbers(rows * zs), *before = numbers(rows * cs), *dy = numbers(rows * ys), *dh = numbers(count);
  float *dc = numbers(count), *cells = NEW(float, rows * cs), *y = NEW(float, rows * ys);
  float *gates = NEW(float, rows * gs), *dz = NEW(float, rows * zs);
  float *sums = numbers(rows * 4 * units);
  double *es = NEW(double, rows * 4 * units);
  uint32_t *rounded = NEW(uint32_t, rows * words), *rounded_dz = NEW(uint32_t, rows * 2 * units);
  for (ptrdiff_t i = 0; i < rows * zs; i++) z[i] *= scale;
  double *ec = NEW(double, rows * cs), *ey = NEW(double, rows * ys), *eg = NEW(double, rows * gs);
  double *edz = NEW(double, rows * zs), *edc = NEW(double, count);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t u = 0; u < units; u++) {
      const float *from = z + i * zs + u;
      const double in = logistic(from[0]), forget = logistic(from[units]), new = tanh(from[2 * units]);
      const double out = logistic(from[3 * units]), c0 = first ? 0 : before[i * cs + u], c = in * new + forget * c0;
      const double t = tanh(c), h = dy[i * ys + u] + (double)dh[i * units + u];
      const double d = dc[i * units + u] + h * out * (1 - t * t);
      const double values[4] = {in, forget, new, out};
      const double slopes[4] = {d * new * in * (1 - in), d * c0 * forget * (1 - forget), d * in * (1 - new * new),
                                h * t * out * (1 - out)};
      ec[i * cs + u] = c, ey[i * ys + u] = out * t, edc[i * units + u] = d * forget;
      for (int j = 0; j < 4; j++) {
        eg[i * gs + j * units + u] = values[j], edz[i * zs + j * units + u] = slopes[j];
        es[(i * 4 + j) * units + u] = sums[(i * 4 + j) * units + u] + slopes[j];
      }
    }
  const ckernels_lstm_step step = {z, zs, first ? NULL : before, cs, cells, cs, y, ys, gates, gs, rounded};
  k->lstm_gates(&g, &step);
  compare("lstm_gates, cells", 4e-7, cells, ec, rows * cs);
  compare("lstm_gates, y", 4e-7, y, ey, rows * ys);
  compare("lstm_gates, gates", 2.5e-7, gates, eg, rows * gs);
  float *dc_again = NEW(float, count), *sums_again = NEW(float, rows * 4 * units);
  memcpy(dc_again, dc, (size_t)count * sizeof *dc);
  memcpy(sums_again, sums, (size_t)(rows * 4 * units) * sizeof *sums);
  uint16_t *narrow_dz = NEW(uint16_t, rows * zs);
  const ckernels_lstm_gradient_step back = {dy, ys, dh, gates, gs, cells, first ? NULL : before, cs, dc, dz, zs, sums, NULL};
  k->lstm_gate_gradients(&g, &back);
  ckernels_lstm_gradient_step narrow_back = back;
  narrow_back.dc = dc_again, narrow_back.sums = sums_again, narrow_back.dz = narrow_dz, narrow_back.rounded = rounded_dz;
  k->lstm_gate_gradients(&g, &narrow_back);
  compare("lstm_gate_gradients, dc again", 1e-6, dc_again, edc, count);
  compare("lstm_gate_gradients, sums again", 1e-6, sums_again, es, rows * 4 * units);
  compare("lstm_gate_gradients, dc", 1e-6, dc, edc, count);
  compare("lstm_gate_gradients, dz", 1e-6, dz, edz, rows * zs);
  compare("lstm_gate_gradients, sums", 1e-6, sums, es, rows * 4 * units);
  float *narrow = NEW(float, rows * zs);
  double *edn = NEW(double, rows * zs);
  for (ptrdiff_t i = 0; i < rows; i++) {
    for (ptrdiff_t u = 0; u < units; u++) {
      const uint32_t bits = (uint32_t)((uint16_t *)(rounded + i * words))[u] << 16;
      memcpy(narrow + i * zs + u, &bits, sizeof bits);
      edn[i * zs + u] = bfloat16(y[i * ys + u]);
    }
  }
  // Numbers below the smallest normal one have fewer bits than the reference gives them.
  compare("lstm_gates, rounded", 1e-38, narrow, edn, rows * zs);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t u = 0; u < 4 * units; u++) {
      const uint32_t bits = (uint32_t)((uint16_t *)(rounded_dz + i * 2 * units))[u] << 16;
      memcpy(narrow + i * zs + u, &bits, sizeof bits);
      edn[i * zs + u] = bfloat16(dz[i * zs + u]);
    }
  compare("lstm_gate_gradients, rounded", 1e-38, narrow, edn, rows * zs);
  compare("lstm_gate_gradients, narrow dz", 1e-38, floats_of(narrow_dz, rows * zs), edn, rows * zs);
  release();
}
