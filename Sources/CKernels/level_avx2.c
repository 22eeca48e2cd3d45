// x86-64 with AVX2 and FMA: eight floats per vector.
#include "include/CKernels.h"
#if defined(__x86_64__)
  #define LEVEL(name) name##_avx2
  #define LEVEL_NAME "avx2"
  #define LANES 8
  #define TILE 6
  #include <immintrin.h>
  #include <string.h>
  #pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi2"))), apply_to = function)
  #include "level.h"
  #pragma clang attribute pop
#endif
