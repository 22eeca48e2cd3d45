// The products of Winograd's points, in registers: up to TILE rows × one block of 2·LANES output channels.

// m[t] = Σ_c v[t][c] · u[c] for `rows` tiles; v rows are v_stride and m rows m_stride floats apart. Where `narrow`, c counts
// pairs.
INLINE void LEVEL(product_tile)(const float *v, ptrdiff_t v_stride, const float *u, ptrdiff_t depth, float *m,
                                ptrdiff_t m_stride, const int rows, const int narrow) {
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = (vector){0};
  const float *v0 = v;
  const float *v3 = rows > 3 ? v0 + 3 * v_stride : v0;
  const float *v6 = rows > 6 ? v0 + 6 * v_stride : v0;
  const float *v9 = rows > 9 ? v0 + 9 * v_stride : v0;
  for (ptrdiff_t c = 0; c < depth; c++) {
    // As in the direct convolution: four pointers instead of twelve.
    __asm__("" : "+r"(v0), "+r"(v3), "+r"(v6), "+r"(v9));
    const vector first = load(u), second = load(u + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const float *base = r < 3 ? v0 : r < 6 ? v3 : r < 9 ? v6 : v9;
      const float *value = base + (r % 3) * v_stride;
      sums[r][0] = LEVEL(add_product)(sums[r][0], value, first, narrow);
      sums[r][1] = LEVEL(add_product)(sums[r][1], value, second, narrow);
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

// du[c] [+]= Σ_t v[t][c] · dm[t] for `rows` neighbouring channels c. Where `narrow`, t counts pairs.
INLINE void LEVEL(gradient_product_tile)(const float *v, ptrdiff_t v_stride, const float *dm, ptrdiff_t dm_stride,
                                         ptrdiff_t depth, int adds, float *du, const int rows, const int narrow) {
  vector sums[TILE][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
    sums[r][0] = adds ? load(du + r * BLOCK) : (vector){0};
    sums[r][1] = adds ? load(du + r * BLOCK + LANES) : (vector){0};
  }
  for (ptrdiff_t t = 0; t < depth; t++) {
    const vector first = load(dm), second = load(dm + LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      sums[r][0] = LEVEL(add_product)(sums[r][0], v + r, first, narrow);
      sums[r][1] = LEVEL(add_product)(sums[r][1], v + r, second, narrow);
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
  static void LEVEL(product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *u, ptrdiff_t depth,         \
                                      float *m, ptrdiff_t m_stride) {                                              \
    LEVEL(product_tile)(v, v_stride, u, depth, m, m_stride, R, 0);                                                 \
  }                                                                                                                \
  static void LEVEL(narrow_product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *u, ptrdiff_t depth,  \
                                             float *m, ptrdiff_t m_stride) {                                       \
    LEVEL(product_tile)(v, v_stride, u, depth, m, m_stride, R, 1);                                                 \
  }                                                                                                                \
  static void LEVEL(gradient_product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *dm,                \
                                               ptrdiff_t dm_stride, ptrdiff_t depth, int adds, float *du) {        \
    LEVEL(gradient_product_tile)(v, v_stride, dm, dm_stride, depth, adds, du, R, 0);                               \
  }                                                                                                                \
  static void LEVEL(narrow_gradient_product_tile_##R)(const float *v, ptrdiff_t v_stride, const float *dm,         \
                                                      ptrdiff_t dm_stride, ptrdiff_t depth, int adds, float *du) { \
    LEVEL(gradient_product_tile)(v, v_stride, dm, dm_stride, depth, adds, du, R, 1);                               \
  }
FOR_EACH_TILE(DEFINE_TILE)
#undef DEFINE_TILE

// By precision and number of rows.
typedef void (*LEVEL(product_tile_function))(const float *, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t);
typedef void (*LEVEL(gradient_product_tile_function))(const float *, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t,
                                                      int, float *);
#define NAME_TILE(R) LEVEL(product_tile_##R),
#define NAME_NARROW_TILE(R) LEVEL(narrow_product_tile_##R),
static const LEVEL(product_tile_function) LEVEL(product_tiles)[2][TILE] = {{FOR_EACH_TILE(NAME_TILE)},
                                                                           {FOR_EACH_TILE(NAME_NARROW_TILE)}};
#undef NAME_TILE
#undef NAME_NARROW_TILE
#define NAME_TILE(R) LEVEL(gradient_product_tile_##R),
#define NAME_NARROW_TILE(R) LEVEL(narrow_gradient_product_tile_##R),
static const LEVEL(gradient_product_tile_function) LEVEL(gradient_product_tiles)[2][TILE] = {
    {FOR_EACH_TILE(NAME_TILE)}, {FOR_EACH_TILE(NAME_NARROW_TILE)}};
#undef NAME_TILE
#undef NAME_NARROW_TILE

// Tiles per block of a convolution: V and M of so many lie in the second-level cache with most channel counts, and the
// products have rows for whole register tiles. (48 are as fast by themselves, but leave no room for what is asked for ahead.)
#define TILE_BLOCK 24

// Tiles per block of the weights' gradient. Each block reads and writes all of dU, C·K numbers per point, beside V and M with
// C + K per tile: with so many tiles neither outweighs the other. In bfloat16 the smallest blocks are of twice as many, whose V
// and M take no more memory.
static ptrdiff_t LEVEL(gradient_tile_block)(const ckernels_winograd *g) {
  const ptrdiff_t balanced = g->input_channels * g->output_channels / (g->input_channels + g->output_channels);
  const ptrdiff_t least = g->bfloat16 ? 2 * TILE_BLOCK : TILE_BLOCK;
  return balanced < least ? least : balanced > 4 * TILE_BLOCK ? 4 * TILE_BLOCK : balanced;
}

// The length of the sums of the weights' gradient over so many tiles.
INLINE ptrdiff_t LEVEL(gradient_depth)(const ckernels_winograd *g, ptrdiff_t tiles) {
  return g->bfloat16 ? (tiles + 1) / 2 : tiles;
}

static ptrdiff_t LEVEL(winograd_tiles)(const ckernels_winograd *g) {
  return (g->output_height + 3) / 4 * ((g->output_width + 3) / 4);
}

static ptrdiff_t LEVEL(winograd_convolution_scratch)(const ckernels_winograd *g) {
  const ptrdiff_t v_stride = LEVEL(rounded)(g->input_channels, LANES) / (g->bfloat16 ? 2 : 1);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK);
  return POINTS * (TILE_BLOCK * (v_stride + m_stride) + 2 * SKEW);
}

static ptrdiff_t LEVEL(winograd_gradient_scratch)(const ckernels_winograd *g) {
  const ptrdiff_t v_stride = LEVEL(rounded)(g->input_channels, LANES);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK);
  const ptrdiff_t depth = LEVEL(gradient_depth)(g, LEVEL(gradient_tile_block)(g));
  return POINTS * (depth * (v_stride + m_stride) + 2 * SKEW);
}

static ptrdiff_t LEVEL(winograd_weight_count)(const ckernels_winograd *g) {
  return POINTS * LEVEL(winograd_depth)(g) * LEVEL(rounded)(g->output_channels, BLOCK);
}

static ptrdiff_t LEVEL(winograd_gradient_count)(const ckernels_winograd *g) {
  return POINTS * g->input_channels * LEVEL(rounded)(g->output_channels, BLOCK);
}

// Asks for the memory of a part of a block while the products run, since tiles are read and written in too many short pieces
// for the processor to foresee: part `part` of POINTS of the tiles first ..< first + count, of images [rows][columns][channels],
// from `above` rows over and as many columns left of a tile's output on, `size` pixels square.
INLINE void LEVEL(prefetch_tiles)(const ckernels_winograd *g, const float *x, ptrdiff_t rows, ptrdiff_t columns,
                                  ptrdiff_t channels, ptrdiff_t above, ptrdiff_t left, ptrdiff_t size, const int writes,
                                  ptrdiff_t first, ptrdiff_t count, ptrdiff_t part) {
  for (ptrdiff_t tile = count * part / POINTS; tile < count * (part + 1) / POINTS; tile++) {
    const LEVEL(tile_place) place = LEVEL(place_of)(g, first + tile);
    const ptrdiff_t top = place.row - above, start = place.column - left;
    for (ptrdiff_t row = top < 0 ? 0 : top; row < top + size && row < rows; row++) {
      const ptrdiff_t from = start < 0 ? 0 : start, to = start + size < columns ? start + size : columns;
      const char *line = (const char *)(x + ((place.image * rows + row) * columns + from) * channels);
      const char *end = (const char *)(x + ((place.image * rows + row) * columns + to) * channels);
      for (; line < end; line += 64) {
        if (writes)
          __builtin_prefetch(line, 1, 2);
        else
          __builtin_prefetch(line, 0, 2);
      }
    }
  }
}

static void LEVEL(winograd_convolution)(const ckernels_winograd *g, const float *x, const float *weights,
                                        const float *bias, int relu, ptrdiff_t first, ptrdiff_t last, float *scratch,
                                        float *y) {
  const int narrow = g->bfloat16 != 0;
  const ptrdiff_t channels = g->input_channels, v_stride = LEVEL(rounded)(channels, LANES) / (narrow ? 2 : 1);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK), depth = LEVEL(winograd_depth)(g);
  const ptrdiff_t blocks = (last - first + TILE_BLOCK - 1) / TILE_BLOCK;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t from = first + (last - first) * block / blocks, to = first + (last - first) * (block + 1) / blocks;
    const ptrdiff_t count = to - from, v_point = count * v_stride + SKEW, m_point = count * m_stride + SKEW;
    float *v = scratch, *m = scratch + POINTS * v_point;
    LEVEL(winograd_input)(g, x, from, count, v, v_point);
    const ptrdiff_t tiles = (count + TILE - 1) / TILE;
    const float *u = weights;
    const ptrdiff_t next = first + (last - first) * (block + 2) / blocks;
    for (ptrdiff_t point = 0; point < POINTS; point++) {
      LEVEL(prefetch_tiles)(g, y, g->output_height, g->output_width, g->output_channels, 0, 0, 4, 1, from, count, point);
      if (block + 1 < blocks)
        LEVEL(prefetch_tiles)(g, x, g->height, g->width, channels, g->top, g->left, 6, 0, to, next - to, point);
      for (ptrdiff_t k = 0; k < m_stride; k += BLOCK, u += depth * BLOCK)
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
          const ptrdiff_t start = count * tile / tiles, end = count * (tile + 1) / tiles;
          LEVEL(product_tiles)[narrow][end - start - 1](v + point * v_point + start * v_stride, v_stride, u, depth,
                                                        m + point * m_point + start * m_stride + k, m_stride);
        }
    }
    LEVEL(winograd_output)(g, m, m_point, bias, relu, from, count, y);
  }
}

static void LEVEL(winograd_weight_gradient)(const ckernels_winograd *g, const float *x, const float *dy,
                                            ptrdiff_t first, ptrdiff_t last, int adds, float *scratch,
                                            float *gradient) {
  const int narrow = g->bfloat16 != 0;
  const ptrdiff_t channels = g->input_channels, v_stride = LEVEL(rounded)(channels, LANES);
  const ptrdiff_t m_stride = LEVEL(rounded)(g->output_channels, BLOCK);
  const ptrdiff_t limit = LEVEL(gradient_tile_block)(g), blocks = (last - first + limit - 1) / limit;
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t from = first + (last - first) * block / blocks, to = first + (last - first) * (block + 1) / blocks;
    const ptrdiff_t count = to - from, depth = LEVEL(gradient_depth)(g, count);
    const ptrdiff_t v_point = depth * v_stride + SKEW, m_point = depth * m_stride + SKEW;
    float *v = scratch, *m = scratch + POINTS * v_point;
    if (narrow) {
      LEVEL(winograd_input_pairs)(g, x, from, count, v, v_point);
      LEVEL(winograd_gradient_pairs)(g, dy, from, count, m, m_point);
    } else {
      LEVEL(winograd_input)(g, x, from, count, v, v_point);
      LEVEL(winograd_gradient)(g, dy, from, count, m, m_point);
    }
    const ptrdiff_t tiles = (channels + TILE - 1) / TILE;
    float *du = gradient;
    const ptrdiff_t next = first + (last - first) * (block + 2) / blocks;
    for (ptrdiff_t point = 0; point < POINTS; point++) {
      if (block + 1 < blocks)
        LEVEL(prefetch_tiles)(g, x, g->height, g->width, channels, g->top, g->left, 6, 0, to, next - to, point);
      for (ptrdiff_t k = 0; k < m_stride; k += BLOCK, du += channels * BLOCK)
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
          const ptrdiff_t start = channels * tile / tiles, end = channels * (tile + 1) / tiles;
          LEVEL(gradient_product_tiles)[narrow][end - start - 1](v + point * v_point + start, v_stride,
                                                                 m + point * m_point + k, m_stride, depth,
                                                                 adds || block > 0, du + start * BLOCK);
        }
    }
  }
}
