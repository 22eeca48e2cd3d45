// The products of Winograd's points, in registers: up to TILE rows × one block of 2·LANES output channels.

// m[t] = Σ_c v[t][c] · u[c] for `rows` tiles; v rows are v_stride and m rows m_stride floats apart.
INLINE void LEVEL(product_tile)(const float *v, ptrdiff_t v_stride, const float *u, ptrdiff_t channels, float *m,
                                ptrdiff_t m_stride, const int rows) {
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = (vector){0};
  const float *v0 = v;
  const float *v3 = rows > 3 ? v0 + 3 * v_stride : v0;
  const float *v6 = rows > 6 ? v0 + 6 * v_stride : v0;
  const float *v9 = rows > 9 ? v0 + 9 * v_stride : v0;
  for (ptrdiff_t c = 0; c < channels; c++) {
    // As in the direct convolution: four pointers instead of twelve.
    __asm__("" : "+r"(v0), "+r"(v3), "+r"(v6), "+r"(v9));
    const vector first = load(u), second = load(u + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const float *base = r < 3 ? v0 : r < 6 ? v3 : r < 9 ? v6 : v9;
      const vector value = splat(base[(r % 3) * v_stride]);
      sums[r][0] += value * first;
      sums[r][1] += value * second;
    }
    v0++, v3++, v6++, v9++;
    u += BLOCK;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    store(m + r * m_stride, sums[r][0]);
    store(m + r * m_stride + LANES, sums[r][1]);
  }
}

// du[c] [+]= Σ_t v[t][c] · dm[t] for `rows` neighbouring channels c.
INLINE void LEVEL(gradient_product_tile)(const float *v, ptrdiff_t v_stride, const float *dm, ptrdiff_t dm_stride,
                                         ptrdiff_t tiles, int adds, float *du, const int rows) {
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    sums[r][0] = adds ? load(du + r * BLOCK) : (vector){0};
    sums[r][1] = adds ? load(du + r * BLOCK + LANES) : (vector){0};
  }
  for (ptrdiff_t t = 0; t < tiles; t++) {
    const vector first = load(dm), second = load(dm + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const vector value = splat(v[r]);
      sums[r][0] += value * first;
      sums[r][1] += value * second;
    }
    v += v_stride;
    dm += dm_stride;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    store(du + r * BLOCK, sums[r][0]);
    store(du + r * BLOCK + LANES, sums[r][1]);
  }
}

#define DEFINE_TILE(R)                                                                                             \
  static void LEVEL(product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *u, ptrdiff_t channels,      \
                                      float *m, ptrdiff_t m_stride) {                                              \
    LEVEL(product_tile)(v, v_stride, u, channels, m, m_stride, R);                                                 \
  }                                                                                                                \
  static void LEVEL(gradient_product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *dm,                \
                                               ptrdiff_t dm_stride, ptrdiff_t tiles, int adds, float *du) {        \
    LEVEL(gradient_product_tile)(v, v_stride, dm, dm_stride, tiles, adds, du, R);                                  \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE

typedef void (*LEVEL(product_tile_function))(const float *, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t);
#define NAME_TILE(R) LEVEL(product_tile_##R),
static const LEVEL(product_tile_function) LEVEL(product_tiles)[TILE] = {FOR_EACH_TILE(NAME_TILE)};
#undef NAME_TILE
typedef void (*LEVEL(gradient_product_tile_function))(const float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t,
                                                      int, float *);
#define NAME_TILE(R) LEVEL(gradient_product_tile_##R),
static const LEVEL(gradient_product_tile_function) LEVEL(gradient_product_tiles)[TILE] = {FOR_EACH_TILE(NAME_TILE)};
#undef NAME_TILE

// Tiles per block: as many as let V and M lie in about half of a megabyte of second-level cache, and at least a register
// tile. (24 to 48 tiles are equally fast; with fewer, U is read too often.)
static ptrdiff_t LEVEL(tile_block)(const ckernels_winograd *g) {
  const ptrdiff_t per_tile = LEVEL(rounded)(g->input_channels, LANES) + LEVEL(rounded)(g->output_channels, BLOCK);
  const ptrdiff_t fitting = (512 << 10) / (ptrdiff_t)sizeof(float) / (POINTS * per_tile);
  return fitting < 24 ? 24 : fitting > 48 ? 48 : fitting;
}

static ptrdiff_t LEVEL(winograd_tiles)(const ckernels_winograd *g) {
  return (g->output_height + 3) / 4 * ((g->output_width + 3) / 4);
}

static ptrdiff_t LEVEL(winograd_scratch)(const ckernels_winograd *g) {
  const ptrdiff_t per_tile = LEVEL(rounded)(g->input_channels, LANES) + LEVEL(rounded)(g->output_channels, BLOCK);
  return POINTS * (LEVEL(tile_block)(g) * per_tile + 2 * SKEW);
}

static ptrdiff_t LEVEL(winograd_weight_count)(const ckernels_winograd *g) {
  return POINTS * g->input_channels * LEVEL(rounded)(g->output_channels, BLOCK);
}

static void LEVEL(winograd_convolution)(const ckernels_winograd *g, const float *x, const float *weights,
                                        const float *bias, int relu, ptrdiff_t first, ptrdiff_t last, float *scratch,
                                        float *y) {
  const ptrdiff_t channels = g->input_channels, v_stride = LEVEL(rounded)(channels, LANES);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK);
  const ptrdiff_t limit = LEVEL(tile_block)(g), blocks = (last - first + limit - 1) / limit;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t from = first + (last - first) * block / blocks, to = first + (last - first) * (block + 1) / blocks;
    const ptrdiff_t count = to - from, v_point = count * v_stride + SKEW, m_point = count * m_stride + SKEW;
    float *v = scratch, *m = scratch + POINTS * v_point;
    LEVEL(winograd_input)(g, x, from, count, v, v_point);
    const ptrdiff_t tiles = (count + TILE - 1) / TILE;
    const float *u = weights;
    for (ptrdiff_t point = 0; point < POINTS; point++)
      for (ptrdiff_t k = 0; k < m_stride; k += BLOCK, u += channels * BLOCK)
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
          const ptrdiff_t start = count * tile / tiles, end = count * (tile + 1) / tiles;
          LEVEL(product_tiles)[end - start - 1](v + point * v_point + start * v_stride, v_stride, u, channels,
                                                m + point * m_point + start * m_stride + k, m_stride);
        }
    LEVEL(winograd_output)(g, m, m_point, bias, relu, from, count, y);
  }
}

static void LEVEL(winograd_weight_gradient)(const ckernels_winograd *g, const float *x, const float *dy,
                                            ptrdiff_t first, ptrdiff_t last, int adds, float *scratch,
                                            float *gradient) {
  const ptrdiff_t channels = g->input_channels, v_stride = LEVEL(rounded)(channels, LANES);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK);
  const ptrdiff_t limit = LEVEL(tile_block)(g), blocks = (last - first + limit - 1) / limit;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t from = first + (last - first) * block / blocks, to = first + (last - first) * (block + 1) / blocks;
    const ptrdiff_t count = to - from, v_point = count * v_stride + SKEW, m_point = count * m_stride + SKEW;
    float *v = scratch, *m = scratch + POINTS * v_point;
    LEVEL(winograd_input)(g, x, from, count, v, v_point);
    LEVEL(winograd_gradient)(g, dy, from, count, m, m_point);
    const ptrdiff_t tiles = (channels + TILE - 1) / TILE;
    float *du = gradient;
    for (ptrdiff_t point = 0; point < POINTS; point++)
      for (ptrdiff_t k = 0; k < m_stride; k += BLOCK, du += channels * BLOCK)
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
          const ptrdiff_t start = channels * tile / tiles, end = channels * (tile + 1) / tiles;
          LEVEL(gradient_product_tiles)[end - start - 1](v + point * v_point + start, v_stride,
                                                         m + point * m_point + k, m_stride, count, adds || block > 0,
                                                         du + start * BLOCK);
        }
  }
}
