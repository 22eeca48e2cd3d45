// What every file of one SIMD level shares; see level_*.c, which define
//   LEVEL(name)   the level's own name of a function
//   LANES         floats per vector
//   TILE          rows of accumulators (pixels or weights) that fit the registers beside two vectors per row
#include <string.h>
#include "include/CKernels.h"

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t vector_word __attribute__((vector_size(LANES * 4)));
typedef int32_t vector_int __attribute__((vector_size(LANES * 4)));

#define INLINE static inline __attribute__((always_inline))
#define BLOCK (2 * LANES)

INLINE ptrdiff_t LEVEL(rounded)(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }

INLINE vector load(const float *p) { return *(const vector *)p; }
INLINE void store(float *p, vector v) { *(vector *)p = v; }
INLINE vector splat(float x) { return x - (vector){0}; }
// The first `valid` numbers, 0 to LANES; the others are zero, or are not written.
INLINE vector partial_load(const float *p, ptrdiff_t valid) {
  if (valid == LANES) return load(p);
  vector v = {0};
  if (valid > 0) memcpy(&v, p, valid * sizeof(float));
  return v;
}
INLINE void partial_store(float *p, vector v, ptrdiff_t valid) {
  if (valid == LANES)
    store(p, v);
  else if (valid > 0)
    memcpy(p, &v, valid * sizeof(float));
}
INLINE vector choose(vector_int mask, vector yes, vector no) {
  return (vector)(((vector_int)yes & mask) | ((vector_int)no & ~mask));
}
// ReLU; a NaN stays, so that errors are seen.
INLINE vector positive_part(vector v) { return (vector)((vector_int)v & ~(vector_int)(v < 0)); }

// Calls MACRO(1) … MACRO(TILE): one specialised loop for every number of accumulator rows.
#if TILE == 12
#define FOR_EACH_TILE(MACRO)                                                                                    \
  MACRO(1) MACRO(2) MACRO(3) MACRO(4) MACRO(5) MACRO(6) MACRO(7) MACRO(8) MACRO(9) MACRO(10) MACRO(11) MACRO(12)
#else
#define FOR_EACH_TILE(MACRO) MACRO(1) MACRO(2) MACRO(3) MACRO(4) MACRO(5) MACRO(6)
#endif
