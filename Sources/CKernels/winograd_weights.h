// Weights of Winograd convolutions: kernel → points, and the gradient back.

// G on three values.
INLINE void LEVEL(weight_line)(const vector g[3], vector u[6]) {
  const vector outer = -(g[0] + g[2]) * (1.0f / 6), middle = g[1] * (1.0f / 6);
  const vector wide = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), narrow = g[1] * (1.0f / 12);
  u[0] = g[0] * 0.25f;
  u[1] = outer - middle;
  u[2] = outer + middle;
  u[3] = wide + narrow;
  u[4] = wide - narrow;
  u[5] = g[2];
}

// Gᵀ on six values.
INLINE void LEVEL(weight_gradient_line)(const vector u[6], vector g[3]) {
  const vector near = u[1] + u[2], far = u[3] + u[4];
  g[0] = u[0] * 0.25f - near * (1.0f / 6) + far * (1.0f / 24);
  g[1] = (u[2] - u[1]) * (1.0f / 6) + (u[3] - u[4]) * (1.0f / 12);
  g[2] = (far - near) * (1.0f / 6) + u[5];
}

// g Gᵀ, 6 × 3 transposed, of the output channels k ..< k + LANES of input channel c; zeros where there are none.
INLINE void LEVEL(weight_half)(const ckernels_winograd *g, const float *w, ptrdiff_t c, ptrdiff_t k, vector half[18]) {
  const ptrdiff_t inputs = g->input_channels, outputs = g->output_channels;
  const ptrdiff_t left = c < inputs ? outputs - k : 0, valid = left < 0 ? 0 : left < LANES ? left : LANES;
  for (int j = 0; j < 3; j++) {
    vector column[3] = {0}, points[6];
    for (int i = 0; i < 3; i++)
      if (valid) memcpy(&column[i], w + ((3 * i + j) * inputs + c) * outputs + k, valid * sizeof(float));
    LEVEL(weight_line)(column, points);
    for (int i = 0; i < 6; i++) half[3 * i + j] = points[i];
  }
}

static void LEVEL(winograd_weights)(const ckernels_winograd *g, const float *w, ptrdiff_t first, ptrdiff_t last,
                                    float *u) {
  const ptrdiff_t depth = LEVEL(winograd_depth)(g), step = g->bfloat16 ? 2 : 1;
  const ptrdiff_t padded = LEVEL(rounded)(g->output_channels, BLOCK), point_stride = depth * padded;
  for (ptrdiff_t c = first; c < last; c += step)
    for (ptrdiff_t k = 0; k < padded; k += LANES) {
      vector half[2][18];
      LEVEL(weight_half)(g, w, c, k, half[0]);
      if (g->bfloat16) LEVEL(weight_half)(g, w, c + 1, k, half[1]);
      float *to = u + (k / BLOCK * depth + c / step) * BLOCK + k % BLOCK;
      for (int i = 0; i < 6; i++) {
        vector points[2][6];
        LEVEL(weight_line)(half[0] + 3 * i, points[0]);
        if (g->bfloat16) {
          LEVEL(weight_line)(half[1] + 3 * i, points[1]);
          for (int j = 0; j < 6; j++) points[0][j] = (vector)LEVEL(bf_pairs)(points[0][j], points[1][j]);
        }
        for (int j = 0; j < 6; j++) store(to + (6 * i + j) * point_stride, points[0][j]);
      }
    }
}

static void LEVEL(winograd_kernel_gradient)(const ckernels_winograd *g, const float *sums, ptrdiff_t parts,
                                            ptrdiff_t part_stride, ptrdiff_t first, ptrdiff_t last, float *dw) {
  const ptrdiff_t inputs = g->input_channels, outputs = g->output_channels;
  const ptrdiff_t padded = LEVEL(rounded)(outputs, BLOCK), point_stride = inputs * padded;
  for (ptrdiff_t c = first; c < last; c++)
    for (ptrdiff_t k = 0; k < outputs; k += LANES) {
      const ptrdiff_t valid = outputs - k < LANES ? outputs - k : LANES;
      const float *from = sums + (k / BLOCK * inputs + c) * BLOCK + k % BLOCK;
      vector half[18];
      for (int i = 0; i < 6; i++) {
        vector points[6];
        for (int j = 0; j < 6; j++) {
          points[j] = load(from + (6 * i + j) * point_stride);
          for (ptrdiff_t part = 1; part < parts; part++)
            points[j] += load(from + part * part_stride + (6 * i + j) * point_stride);
        }
        LEVEL(weight_gradient_line)(points, half + 3 * i);
      }
      for (int j = 0; j < 3; j++) {
        const vector line[6] = {half[j], half[3 + j], half[6 + j], half[9 + j], half[12 + j], half[15 + j]};
        vector column[3];
        LEVEL(weight_gradient_line)(line, column);
        for (int i = 0; i < 3; i++)
          memcpy(dw + ((3 * i + j) * inputs + c) * outputs + k, &column[i], valid * sizeof(float));
      }
    }
}
