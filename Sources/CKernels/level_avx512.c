// x86-64 with AVX-512 (F, BW, VL, DQ): sixteen floats per vector.
#include "include/CKernels.h"
#if defined(__x86_64__)
  #define LEVEL(name) name##_avx512
  #define LEVEL_NAME "avx512"
  #define LANES 16
  #define TILE 12
  #include <immintrin.h>
  #include <string.h>
  #pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi2"))), apply_to = function)
  #include "level.h"
  #pragma clang attribute pop
#endif
