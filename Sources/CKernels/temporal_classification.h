// Connectionist temporal classification of one image: −log p(label | logits) and its derivative by each logit.
//
// The states of an alignment are the label's characters with a blank before, between and behind them: 2 · length + 1.
// The sums over all alignments up to a column (forward) and behind it (backward) span far more than the exponents that
// a double has, and differ as much from state to state: each is kept as a fraction in 1 ..< 2 and a power of two whose
// exponent is a whole number in a double of its own. So nothing underflows, and no logarithm is taken but the last.

// The exponent of a sum over no alignments: the largest of any others is still far from it.
#define IMPOSSIBLE (-1e300)

// 2^d for whole d from −1022 to 1023; 0 below.
INLINE vector_double LEVEL(power_of_two)(vector_double d) {
  d = choose_double((vector_long)(d < splat_double(-1023)), splat_double(-1023), d);
  // From 2^52 on a double's lowest bits are those of a whole number, here the exponent's bits.
  return (vector_double)((vector_long_word)(d + (0x1p52 + 1023)) << 52);
}

// a + b + c, each fraction · 2^exponent; the sum's fraction is in 1 ..< 6.
INLINE vector_double LEVEL(sum_of_three)(const double *fractions, const double *exponents, ptrdiff_t step,
                                         vector_double allowed, vector_double *exponent) {
  const vector_double a = load_double(exponents), b = load_double(exponents + step);
  const vector_double c = load_double(exponents + 2 * step) + allowed;
  vector_double most = choose_double((vector_long)(a > b), a, b);
  most = choose_double((vector_long)(most > c), most, c);
  *exponent = most;
  return load_double(fractions) * LEVEL(power_of_two)(a - most) +
         load_double(fractions + step) * LEVEL(power_of_two)(b - most) +
         load_double(fractions + 2 * step) * LEVEL(power_of_two)(c - most);
}

// Takes the power of two out of a positive number: the fraction is in 1 ..< 2.
INLINE vector_double LEVEL(normalized)(vector_double x, vector_double *exponent) {
  const vector_long_word bits = (vector_long_word)x;
  *exponent += (vector_double)((bits >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
  return (vector_double)((bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
}

// y = e^(z − largest) / sum for the logits z of one column; returns the sum. `wrong` becomes NaN in some lane where a
// logit is not finite.
INLINE double LEVEL(softmax_column)(const float *z, ptrdiff_t classes, float *y, float *largest, vector *wrong) {
  // Fewer classes than lanes are filled up with the first one.
  float few[LANES], powers[LANES];
  const int is_short = classes < LANES;
  if (is_short)
    for (ptrdiff_t i = 0; i < LANES; i++) few[i] = z[i < classes ? i : 0];
  const float *from = is_short ? few : z;
  float *to = is_short ? powers : y;
  const ptrdiff_t count = is_short ? LANES : classes;
  // The last vector overlaps the one before it, which does no harm to what is done with it.
  vector most = load(from);
  for (ptrdiff_t c = 0; c < count; c += LANES) {
    const vector v = load(from + (c + LANES <= count ? c : count - LANES));
    most = choose((vector_int)(v > most), v, most);
    *wrong += v - v;
  }
  *largest = most[0];
  for (int i = 1; i < LANES; i++) *largest = most[i] > *largest ? most[i] : *largest;
  for (ptrdiff_t c = 0; c < count; c += LANES) {
    const ptrdiff_t at = c + LANES <= count ? c : count - LANES;
    store(to + at, LEVEL(exponential)(load(from + at) - *largest));
  }
  if (is_short)
    for (ptrdiff_t i = 0; i < classes; i++) y[i] = powers[i];
  // In double, so that a sum just above 1, which is what a sure column has, keeps its digits.
  vector_double sums = {0};
  ptrdiff_t c = 0;
  for (; c + DOUBLE_LANES <= classes; c += DOUBLE_LANES)
    sums += __builtin_convertvector(*(const vector_half *)(y + c), vector_double);
  double sum = 0;
  for (; c < classes; c++) sum += y[c];
  for (int i = 0; i < DOUBLE_LANES; i++) sum += sums[i];
  const float inverse = (float)(1 / sum);
  for (c = 0; c < classes; c++) y[c] *= inverse;
  return sum;
}

// The states, with those added that fill the last vector.
INLINE ptrdiff_t LEVEL(state_count)(ptrdiff_t length) {
  return (2 * length + 1 + DOUBLE_LANES - 1) / DOUBLE_LANES * DOUBLE_LANES;
}

static ptrdiff_t LEVEL(temporal_classification_scratch)(ptrdiff_t columns, ptrdiff_t length) {
  return 4 * (columns + 1) * LEVEL(state_count)(length) + 5 * DOUBLE_LANES;
}

static double LEVEL(temporal_classification)(const ckernels_temporal_classification *geometry, const float *logits,
                                             const int32_t *label, ptrdiff_t length, double *scratch, float *slopes) {
  const ptrdiff_t columns = geometry->columns, classes = geometry->classes, blank = geometry->blank;
  const ptrdiff_t last = 2 * length, states = LEVEL(state_count)(length);
  double *emission = scratch, *emission_exponent = emission + columns * states;
  double *forward = emission_exponent + columns * states, *forward_exponent = forward + columns * states;
  double *posterior = forward_exponent + columns * states;
  // 0 where a state may follow the one two before it, else IMPOSSIBLE.
  double *allowed = posterior + states;
  // The sums of one column, between states that nothing reaches.
  double *row = allowed + states + 2 * DOUBLE_LANES, *exponents = row + states + 2 * DOUBLE_LANES;

  // softmax into the slopes; the logits of the states, relative to the column's largest, into the emissions.
  double loss = 0, product = 1;
  vector wrong = {0};
  for (ptrdiff_t t = 0; t < columns; t++) {
    const float *z = logits + t * classes;
    float largest;
    product *= LEVEL(softmax_column)(z, classes, slopes + t * classes, &largest, &wrong);
    // One logarithm for many columns: their sums are at least 1 and at most the number of classes.
    if (product > 1e250) loss += __builtin_log(product), product = 1;
    double *x = emission + t * states;
    const double pause = (double)z[blank] - largest;
    for (ptrdiff_t i = 0; i < states; i++) x[i] = pause;
    for (ptrdiff_t i = 0; i < length; i++) x[2 * i + 1] = (double)z[label[i]] - largest;
  }
  loss += __builtin_log(product);
  int is_wrong = 0;
  for (int i = 0; i < LANES; i++) is_wrong |= wrong[i] != 0;
  if (is_wrong) {
    for (ptrdiff_t i = 0; i < columns * classes; i++) slopes[i] = __builtin_nanf("");
    return __builtin_nan("");
  }

  ptrdiff_t least = length;
  for (ptrdiff_t i = 0; i < states + DOUBLE_LANES; i++) allowed[i] = IMPOSSIBLE;
  for (ptrdiff_t i = 1; i < length; i++)
    if (label[i] == label[i - 1])
      least++;
    else
      allowed[2 * i + 1] = 0;
  if (columns < least) {
    memset(slopes, 0, columns * classes * sizeof(float));
    return 0;
  }
  for (ptrdiff_t i = 0; i < columns * states; i += DOUBLE_LANES) {
    vector_double fraction, exponent;
    LEVEL(exponential_parts)(load_double(emission + i), &fraction, &exponent);
    store_double(emission + i, fraction);
    store_double(emission_exponent + i, exponent);
  }

  // Before the first column all alignments are in the first state, without having paid for it. Downwards, so that the
  // states before are still those of the column before.
  for (ptrdiff_t i = -DOUBLE_LANES; i < states + DOUBLE_LANES; i++) row[i] = 1, exponents[i] = IMPOSSIBLE;
  exponents[0] = 0;
  for (ptrdiff_t t = 0; t < columns; t++)
    for (ptrdiff_t s = states - DOUBLE_LANES; s >= 0; s -= DOUBLE_LANES) {
      const ptrdiff_t at = t * states + s;
      vector_double exponent;
      vector_double sum = LEVEL(sum_of_three)(row + s, exponents + s, -1, load_double(allowed + s), &exponent);
      exponent += load_double(emission_exponent + at);
      sum = LEVEL(normalized)(sum * load_double(emission + at), &exponent);
      store_double(row + s, sum), store_double(exponents + s, exponent);
      store_double(forward + at, sum), store_double(forward_exponent + at, exponent);
    }
  // All alignments end in one of the last two states.
  vector_double total_exponent;
  vector_double total =
      LEVEL(sum_of_three)(row + last, exponents + last, -1, splat_double(IMPOSSIBLE), &total_exponent);
  total = splat_double(total[0]), total_exponent = splat_double(total_exponent[0]);
  loss -= __builtin_log(total[0]) + total_exponent[0] * 0.6931471805599453;

  // Behind the last column all are in the last state. Upwards, so that the states behind are still those of the column
  // behind.
  for (ptrdiff_t i = -DOUBLE_LANES; i < states + DOUBLE_LANES; i++) row[i] = 1, exponents[i] = IMPOSSIBLE;
  exponents[last] = 0;
  const vector_double inverse = 1 / total;
  for (ptrdiff_t t = columns - 1; t >= 0; t--) {
    for (ptrdiff_t s = 0; s < states; s += DOUBLE_LANES) {
      const ptrdiff_t at = t * states + s;
      vector_double exponent;
      vector_double sum = LEVEL(sum_of_three)(row + s, exponents + s, 1, load_double(allowed + s + 2), &exponent);
      const vector_double power =
          LEVEL(power_of_two)(exponent + load_double(forward_exponent + at) - total_exponent);
      store_double(posterior + s, sum * load_double(forward + at) * inverse * power);
      exponent += load_double(emission_exponent + at);
      sum = LEVEL(normalized)(sum * load_double(emission + at), &exponent);
      store_double(row + s, sum), store_double(exponents + s, exponent);
    }
    float *slope = slopes + t * classes;
    double pause = posterior[last];
    for (ptrdiff_t i = 0; i < length; i++) {
      pause += posterior[2 * i];
      slope[label[i]] -= (float)posterior[2 * i + 1];
    }
    slope[blank] -= (float)pause;
  }
  // A probability is at most 1, but for rounding.
  return loss > 0 ? loss : 0;
}
