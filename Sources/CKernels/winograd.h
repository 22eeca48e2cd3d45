// 3×3 convolutions with stride 1 by Winograd's minimal filtering F(4×4, 3×3): 36 multiplications for 16 outputs instead
// of 144.
//
// The output is cut into tiles of 4×4 pixels. Each tile's 6×6 input pixels d, the 3×3 weights g and the products are
// taken to 36 points, where the convolution is a plain product per point, summed over the input channels:
//
//   V = Bᵀ d B      U = G g Gᵀ      M[p] = Σ_c V[p][c] · U[p][c]      y = Aᵀ M A
//
// So for each of the 36 points the tiles × input channels matrix V[p] is multiplied by the input × output channels
// matrix U[p]. The gradient of the weights is the same in reverse: dU[p] = Σ_tiles V[p]ᵀ · (A dy Aᵀ)[p], dg = Gᵀ dU G. The
// gradient of the input is a convolution of dy with the kernel turned by 180°.
//
// Tiles are numbered over all images of the batch, row by row, and taken in blocks whose V and M stay in the second-level
// cache. Layouts, P = 36 points, Cp and Kp the channels rounded up:
//   V [P][tiles][Cp],  M [P][tiles][Kp],  U [P][Kp / BLOCK][C][BLOCK];
// each point's V and M are followed by a cache line, so that the 36 points of a tile do not compete for the same cache set.
//
// With bfloat16 the factors of the points' products are rounded as they are stored, two in a 32-bit word; M and the sums stay
// in float. Pairs run along what the products sum over: the input channels in a convolution, the tiles in the gradient of the
// weights, a last odd one beside zeros:
//   V [P][tiles][Cp / 2],  U [P][Kp / BLOCK][⌈C / 2⌉][BLOCK];  V [P][⌈tiles / 2⌉][Cp],  A dy Aᵀ [P][⌈tiles / 2⌉][Kp].
//
// Source: Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", points 0, ±1, ±2, ∞.

#define POINTS 36
#define SKEW 16

// The length of the convolution's sums: input channels, or pairs of them.
INLINE ptrdiff_t LEVEL(winograd_depth)(const ckernels_winograd *g) {
  return g->bfloat16 ? (g->input_channels + 1) / 2 : g->input_channels;
}

// Bᵀ on six values, `step` apart in `from` and in `to`.
INLINE void LEVEL(input_line)(const vector *from, vector *to, const int step) {
  const vector d0 = from[0], d1 = from[step], d2 = from[2 * step], d3 = from[3 * step], d4 = from[4 * step],
               d5 = from[5 * step];
  const vector even1 = d4 - 4 * d2, odd1 = d3 - 4 * d1, even2 = d4 - d2, odd2 = d3 - d1;
  to[0] = 4 * d0 + (d4 - 5 * d2);
  to[step] = even1 + odd1;
  to[2 * step] = even1 - odd1;
  to[3 * step] = even2 + 2 * odd2;
  to[4 * step] = even2 - 2 * odd2;
  to[5 * step] = 4 * d1 + (d5 - 5 * d3);
}

// Aᵀ on six values.
INLINE void LEVEL(output_line)(const vector m[6], vector y[4]) {
  const vector sum1 = m[1] + m[2], difference1 = m[1] - m[2], sum2 = m[3] + m[4], difference2 = m[3] - m[4];
  y[0] = (m[0] + sum1) + sum2;
  y[1] = difference1 + 2 * difference2;
  y[2] = sum1 + 4 * sum2;
  y[3] = (difference1 + m[5]) + 8 * difference2;
}

// A on four values: the reverse of `output_line` for gradients.
INLINE void LEVEL(gradient_line)(const vector y[4], vector m[6]) {
  const vector even1 = y[0] + y[2], odd1 = y[1] + y[3], even2 = y[0] + 4 * y[2], odd2 = y[1] + 4 * y[3];
  m[0] = y[0];
  m[1] = even1 + odd1;
  m[2] = even1 - odd1;
  m[3] = even2 + 2 * odd2;
  m[4] = even2 - 2 * odd2;
  m[5] = y[3];
}

// Where a tile lies: its image, and the first pixel of its output.
typedef struct {
  ptrdiff_t image, row, column;
} LEVEL(tile_place);

INLINE LEVEL(tile_place) LEVEL(place_of)(const ckernels_winograd *g, ptrdiff_t tile) {
  const ptrdiff_t across = (g->output_width + 3) / 4, down = (g->output_height + 3) / 4;
  return (LEVEL(tile_place)){tile / (across * down), tile / across % down * 4, tile % across * 4};
}

// The rows and columns of a square of pixels that lie inside the image.
typedef struct {
  ptrdiff_t first_row, last_row, first_column, last_column;
} LEVEL(inside);

// `size`² pixels, `row_stride` and `channels` floats apart; those outside the image are zero and not touched. Constants for
// `whole` and `valid` leave no conditions in the loops.
INLINE void LEVEL(load_pixels)(const float *source, ptrdiff_t row_stride, ptrdiff_t channels, const int size,
                               const int whole, LEVEL(inside) inside, ptrdiff_t valid, vector *pixels) {
  for (int i = 0; i < size; i++) {
    const float *row = source + i * row_stride;
    if (!whole && (i < inside.first_row || i >= inside.last_row)) {
      for (int j = 0; j < size; j++) pixels[size * i + j] = (vector){0};
      continue;
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < size; j++)
      pixels[size * i + j] = whole || (j >= inside.first_column && j < inside.last_column)
                                 ? partial_load(row + j * channels, valid)
                                 : (vector){0};
  }
}

INLINE void LEVEL(load_square)(const float *source, ptrdiff_t row_stride, ptrdiff_t channels, const int size,
                               LEVEL(inside) inside, ptrdiff_t valid, vector *pixels) {
  const int whole = inside.first_row <= 0 && inside.last_row >= size && inside.first_column <= 0 &&
                    inside.last_column >= size;
  if (valid < LANES)
    LEVEL(load_pixels)(source, row_stride, channels, size, 0, inside, valid, pixels);
  else if (whole)
    LEVEL(load_pixels)(source, row_stride, channels, size, 1, inside, LANES, pixels);
  else
    LEVEL(load_pixels)(source, row_stride, channels, size, 0, inside, LANES, pixels);
}

// Pixels to load: the first one's address, which may lie outside, and those that exist.
typedef struct {
  const float *source;
  LEVEL(inside) inside;
} LEVEL(square);

INLINE LEVEL(square) LEVEL(input_square)(const ckernels_winograd *g, const float *x, ptrdiff_t tile) {
  const LEVEL(tile_place) place = LEVEL(place_of)(g, tile);
  const ptrdiff_t top = place.row - g->top, left = place.column - g->left;
  return (LEVEL(square)){x + ((place.image * g->height + top) * g->width + left) * g->input_channels,
                         {-top, g->height - top, -left, g->width - left}};
}

INLINE LEVEL(square) LEVEL(gradient_square)(const ckernels_winograd *g, const float *dy, ptrdiff_t tile) {
  const LEVEL(tile_place) place = LEVEL(place_of)(g, tile);
  return (LEVEL(square)){
      dy + ((place.image * g->output_height + place.row) * g->output_width + place.column) * g->output_channels,
      {0, g->output_height - place.row, 0, g->output_width - place.column}};
}

// Bᵀ d of LANES channels from `c` on.
INLINE void LEVEL(input_half)(const ckernels_winograd *g, LEVEL(square) square, ptrdiff_t c, vector half[POINTS]) {
  const ptrdiff_t channels = g->input_channels, left = channels - c;
  vector d[POINTS];
  LEVEL(load_square)(square.source + c, g->width * channels, channels, 6, square.inside, left < LANES ? left : LANES, d);
#pragma clang loop unroll(full)
  for (int j = 0; j < 6; j++) LEVEL(input_line)(d + j, half + j, 6);
}

// dy Aᵀ, 4 rows × 6, of LANES channels from `k` on.
INLINE void LEVEL(gradient_half)(const ckernels_winograd *g, LEVEL(square) square, ptrdiff_t k, vector half[24]) {
  const ptrdiff_t channels = g->output_channels, left = channels - k, valid = left < 0 ? 0 : left < LANES ? left : LANES;
  vector y[16];
  LEVEL(load_square)(square.source + k, g->output_width * channels, channels, 4, square.inside, valid, y);
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) LEVEL(gradient_line)(y + 4 * i, half + 6 * i);
}

// The points of column j of A (dy Aᵀ).
INLINE void LEVEL(gradient_column)(const vector half[24], int j, vector points[6]) {
  const vector line[4] = {half[j], half[6 + j], half[12 + j], half[18 + j]};
  LEVEL(gradient_line)(line, points);
}

// V of the tiles first ..< first + count; rounded to bfloat16 where `narrow`.
INLINE void LEVEL(input_points)(const ckernels_winograd *g, const float *x, ptrdiff_t first, ptrdiff_t count, float *v,
                                ptrdiff_t point_stride, const int narrow) {
  const ptrdiff_t padded = LEVEL(rounded)(g->input_channels, LANES);
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const LEVEL(square) square = LEVEL(input_square)(g, x, first + tile);
    for (ptrdiff_t c = 0; c < g->input_channels; c += LANES) {
      vector half[POINTS];
      LEVEL(input_half)(g, square, c, half);
      float *to = v + (narrow ? (tile * padded + c) / 2 : tile * padded + c);
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) {
        vector line[6];
        LEVEL(input_line)(half + 6 * i, line, 1);
#pragma clang loop unroll(full)
        for (int j = 0; j < 6; j++) {
          if (narrow)
            LEVEL(bf_store)((uint32_t *)to + (6 * i + j) * point_stride, line[j]);
          else
            store(to + (6 * i + j) * point_stride, line[j]);
        }
      }
    }
  }
}

static void LEVEL(winograd_input)(const ckernels_winograd *g, const float *x, ptrdiff_t first, ptrdiff_t count,
                                  float *v, ptrdiff_t point_stride) {
  if (g->bfloat16)
    LEVEL(input_points)(g, x, first, count, v, point_stride, 1);
  else
    LEVEL(input_points)(g, x, first, count, v, point_stride, 0);
}

// V in pairs of tiles.
static void LEVEL(winograd_input_pairs)(const ckernels_winograd *g, const float *x, ptrdiff_t first, ptrdiff_t count,
                                        float *v, ptrdiff_t point_stride) {
  const ptrdiff_t padded = LEVEL(rounded)(g->input_channels, LANES);
  for (ptrdiff_t tile = 0; tile < count; tile += 2) {
    const int whole = tile + 1 < count;
    const LEVEL(square) even = LEVEL(input_square)(g, x, first + tile);
    const LEVEL(square) odd = LEVEL(input_square)(g, x, first + tile + whole);
    for (ptrdiff_t c = 0; c < g->input_channels; c += LANES) {
      vector half[2][POINTS] = {0};
      LEVEL(input_half)(g, even, c, half[0]);
      if (whole) LEVEL(input_half)(g, odd, c, half[1]);
      float *to = v + tile / 2 * padded + c;
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) {
        vector lines[2][6];
        LEVEL(input_line)(half[0] + 6 * i, lines[0], 1);
        LEVEL(input_line)(half[1] + 6 * i, lines[1], 1);
#pragma clang loop unroll(full)
        for (int j = 0; j < 6; j++)
          store(to + (6 * i + j) * point_stride, (vector)LEVEL(bf_pairs)(lines[0][j], lines[1][j]));
      }
    }
  }
}

// A dy Aᵀ of the tiles first ..< first + count.
static void LEVEL(winograd_gradient)(const ckernels_winograd *g, const float *dy, ptrdiff_t first, ptrdiff_t count,
                                     float *m, ptrdiff_t point_stride) {
  const ptrdiff_t padded = LEVEL(rounded)(g->output_channels, BLOCK);
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const LEVEL(square) square = LEVEL(gradient_square)(g, dy, first + tile);
    for (ptrdiff_t k = 0; k < padded; k += LANES) {
      vector half[24];
      LEVEL(gradient_half)(g, square, k, half);
      float *to = m + tile * padded + k;
#pragma clang loop unroll(full)
      for (int j = 0; j < 6; j++) {
        vector points[6];
        LEVEL(gradient_column)(half, j, points);
#pragma clang loop unroll(full)
        for (int i = 0; i < 6; i++) store(to + (6 * i + j) * point_stride, points[i]);
      }
    }
  }
}

// The same in pairs of tiles.
static void LEVEL(winograd_gradient_pairs)(const ckernels_winograd *g, const float *dy, ptrdiff_t first,
                                           ptrdiff_t count, float *m, ptrdiff_t point_stride) {
  const ptrdiff_t padded = LEVEL(rounded)(g->output_channels, BLOCK);
  for (ptrdiff_t tile = 0; tile < count; tile += 2) {
    const int whole = tile + 1 < count;
    const LEVEL(square) even = LEVEL(gradient_square)(g, dy, first + tile);
    const LEVEL(square) odd = LEVEL(gradient_square)(g, dy, first + tile + whole);
    for (ptrdiff_t k = 0; k < padded; k += LANES) {
      vector half[2][24] = {0};
      LEVEL(gradient_half)(g, even, k, half[0]);
      if (whole) LEVEL(gradient_half)(g, odd, k, half[1]);
      float *to = m + tile / 2 * padded + k;
#pragma clang loop unroll(full)
      for (int j = 0; j < 6; j++) {
        vector points[2][6];
        LEVEL(gradient_column)(half[0], j, points[0]);
        LEVEL(gradient_column)(half[1], j, points[1]);
#pragma clang loop unroll(full)
        for (int i = 0; i < 6; i++)
          store(to + (6 * i + j) * point_stride, (vector)LEVEL(bf_pairs)(points[0][i], points[1][i]));
      }
    }
  }
}

// y = [relu](Aᵀ M A + bias) for the tiles first ..< first + count.
static void LEVEL(winograd_output)(const ckernels_winograd *g, const float *m, ptrdiff_t point_stride,
                                   const float *bias, int relu, ptrdiff_t first, ptrdiff_t count, float *y) {
  const ptrdiff_t channels = g->output_channels, padded = LEVEL(rounded)(channels, BLOCK);
  const ptrdiff_t row_stride = g->output_width * channels;
  for (ptrdiff_t tile = 0; tile < count; tile++) {
    const LEVEL(tile_place) place = LEVEL(place_of)(g, first + tile);
    float *target = y + place.image * g->output_height * row_stride + place.row * row_stride + place.column * channels;
    const ptrdiff_t rows = g->output_height - place.row, columns = g->output_width - place.column;
    for (ptrdiff_t k = 0; k < channels; k += LANES) {
      const ptrdiff_t valid = channels - k < LANES ? channels - k : LANES;
      const float *source = m + tile * padded + k;
      const vector offset = load(bias + k);
      vector half[24];
#pragma clang loop unroll(full)
      for (int i = 0; i < 6; i++) {
        vector line[6];
#pragma clang loop unroll(full)
        for (int j = 0; j < 6; j++) line[j] = load(source + (6 * i + j) * point_stride);
        LEVEL(output_line)(line, half + 4 * i);
      }
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        const vector line[6] = {half[j], half[4 + j], half[8 + j], half[12 + j], half[16 + j], half[20 + j]};
        vector pixels[4];
        LEVEL(output_line)(line, pixels);
        if (j >= columns) continue;
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
          if (i >= rows) continue;
          vector value = pixels[i] + offset;
          if (relu) value = positive_part(value);
          float *out = target + i * row_stride + j * channels + k;
          partial_store(out, value, valid);
        }
      }
    }
  }
}
