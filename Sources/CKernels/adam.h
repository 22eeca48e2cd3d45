// One step of Adam or AMSGrad in one pass over memory: clipping, weight decay, both means and the weights. Memory sets
// its pace, which needs wide square roots and divisions.

// A number too small for a float's full precision becomes zero: arithmetic on such numbers is a hundred times slower, and
// the means of idle units would stay there for ever.
INLINE vector LEVEL(flushed)(vector v) {
  const vector smallest = splat(1.17549435e-38f);
  return (vector)((vector_int)v & ~((vector_int)(v < smallest) & (vector_int)(v > -smallest)));
}

INLINE void LEVEL(adam_vector)(const ckernels_adam *s, const float *gradient, float *w, float *mean, float *square,
                               float *largest, ptrdiff_t valid) {
  vector g = partial_load(gradient, valid) * s->scale;
  // A NaN passes: both comparisons are false.
  g = choose((vector_int)(g > splat(s->limit)), splat(s->limit), g);
  g = choose((vector_int)(g < splat(-s->limit)), splat(-s->limit), g);
  vector m = partial_load(mean, valid), v = partial_load(square, valid);
  m += (g - m) * s->mean_gain;
  v += (g * g - v) * s->square_gain;
  partial_store(mean, LEVEL(flushed)(m), valid);
  partial_store(square, LEVEL(flushed)(v), valid);
  if (largest) {
    const vector earlier = partial_load(largest, valid);
    v = choose((vector_int)(v <= earlier), earlier, v);
    partial_store(largest, LEVEL(flushed)(v), valid);
  }
  partial_store(w, partial_load(w, valid) * s->retention - m * s->rate / (__builtin_elementwise_sqrt(v) + s->epsilon), valid);
}

static void LEVEL(adam)(const ckernels_adam *s, ptrdiff_t count, const float *gradient, float *w, float *mean,
                        float *square, float *largest) {
  ptrdiff_t i = 0;
  if (largest)
    for (; i + LANES <= count; i += LANES)
      LEVEL(adam_vector)(s, gradient + i, w + i, mean + i, square + i, largest + i, LANES);
  else
    for (; i + LANES <= count; i += LANES)
      LEVEL(adam_vector)(s, gradient + i, w + i, mean + i, square + i, NULL, LANES);
  if (i < count)
    LEVEL(adam_vector)(s, gradient + i, w + i, mean + i, square + i, largest ? largest + i : NULL, count - i);
}
