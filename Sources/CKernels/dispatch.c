// Which SIMD levels there are, and the packing of weights, which is the same for all but for the block size.
#if defined(__linux__)
  #define _GNU_SOURCE  // declares syscall()
#endif
#include <string.h>
#include "include/CKernels.h"

extern const ckernels_table ckernels_table_baseline;
#if defined(__x86_64__)
extern const ckernels_table ckernels_table_avx2, ckernels_table_avx512, ckernels_table_avx512bf16;
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
extern const ckernels_table ckernels_table_amx;

// Whether the processor has tile registers for bfloat16 and the system lets this process use them, which it must be asked
// (arch_prctl, ARCH_REQ_XCOMP_PERM for the component XTILEDATA; Linux 5.16).
static int has_matrix_tiles(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned tiles = 1u << 24, bfloat16 = 1u << 22;
  return (d & tiles) && (d & bfloat16) && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#elif defined(__x86_64__)
static int has_matrix_tiles(void) { return 0; }
#endif

ckernels_level ckernels_best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // All that the levels' files are compiled for.
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c") ||
      !__builtin_cpu_supports("bmi2"))
    return ckernels_level_baseline;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    if (!__builtin_cpu_supports("avx512bf16")) return ckernels_level_avx512;
    return has_matrix_tiles() ? ckernels_level_amx : ckernels_level_avx512bf16;
  }
  return ckernels_level_avx2;
#else
  return ckernels_level_baseline;
#endif
}

const ckernels_table *ckernels_for_level(ckernels_level level) {
  switch (level) {
#if defined(__x86_64__) && defined(__linux__)
    case ckernels_level_amx: return &ckernels_table_amx;
#endif
#if defined(__x86_64__)
    case ckernels_level_avx512bf16: return &ckernels_table_avx512bf16;
    case ckernels_level_avx512: return &ckernels_table_avx512;
    case ckernels_level_avx2: return &ckernels_table_avx2;
#endif
    case ckernels_level_baseline: return &ckernels_table_baseline;
    default: return NULL;
  }
}

static ptrdiff_t window(const ckernels_convolution *g) {
  return g->kernel_height * g->kernel_width * g->input_channels;
}

ptrdiff_t ckernels_packed_count(const ckernels_table *table, const ckernels_convolution *g) {
  const ptrdiff_t block = table->channel_block;
  const ptrdiff_t run = g->kernel_width * g->input_channels;
  return (g->output_channels + block - 1) / block * block * (g->bfloat16 ? g->kernel_height * ((run + 1) / 2) : window(g));
}

void ckernels_pack_weights(const ckernels_table *table, const ckernels_convolution *g, const float *w, float *packed) {
  const ptrdiff_t block = table->channel_block;
  for (ptrdiff_t channel = 0; channel < g->output_channels; channel += block) {
    const ptrdiff_t left = g->output_channels - channel, valid = left < block ? left : block;
    for (ptrdiff_t k = 0; k < window(g); k++, packed += block) {
      memcpy(packed, w + k * g->output_channels + channel, valid * sizeof(float));
      memset(packed + valid, 0, (block - valid) * sizeof(float));
    }
  }
}

// y [columns, rows] = x [rows, columns] transposed, whose rows are x_stride floats apart.
static void transpose(const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t columns, float *y) {
  // In squares that fit the first-level cache.
  const ptrdiff_t square = 16;
  for (ptrdiff_t top = 0; top < rows; top += square)
    for (ptrdiff_t left = 0; left < columns; left += square)
      for (ptrdiff_t i = top; i < rows && i < top + square; i++)
        for (ptrdiff_t j = left; j < columns && j < left + square; j++) y[j * rows + i] = x[i * x_stride + j];
}

// Adds to `count` numbers of the first of some parts those of the others, in their order; parts are part_stride floats apart.
static void add_parts(float *first, ptrdiff_t count, ptrdiff_t parts, ptrdiff_t part_stride) {
  for (ptrdiff_t part = 1; part < parts; part++) {
    const float *other = first + part * part_stride;
    for (ptrdiff_t i = 0; i < count; i++) first[i] += other[i];
  }
}

void ckernels_unpack_gradient(const ckernels_table *table, const ckernels_convolution *g, float *sums, ptrdiff_t parts,
                              ptrdiff_t part_stride, ptrdiff_t first, ptrdiff_t last, float *w) {
  const ptrdiff_t outputs = g->output_channels, places = window(g), count = last - first, block = table->channel_block;
  if (g->bfloat16 && table->has_matrix_tiles) {
    for (ptrdiff_t channel = 0; channel < outputs; channel++)
      add_parts(sums + channel * places + first, count, parts, part_stride);
    transpose(sums + first, places, outputs, count, w + first * outputs);
    return;
  }
  for (ptrdiff_t channel = 0; channel < outputs; channel += block, sums += places * block) {
    const ptrdiff_t left = outputs - channel, valid = left < block ? left : block;
    add_parts(sums + first * block, count * block, parts, part_stride);
    for (ptrdiff_t k = first; k < last; k++) memcpy(w + k * outputs + channel, sums + k * block, valid * sizeof(float));
  }
}

void ckernels_transpose(const float *x, ptrdiff_t rows, ptrdiff_t columns, float *y) {
  transpose(x, columns, rows, columns, y);
}

float ckernels_largest_magnitude(const float *x, ptrdiff_t count) {
  // As whole numbers: without the sign bit the bits of floats rise with them, and those of infinity and NaN are last.
  uint32_t largest = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  float result;
  memcpy(&result, &largest, sizeof result);
  return result;
}
