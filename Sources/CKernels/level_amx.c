// x86-64 with AMX (tiles, BF16) beside AVX-512 (F, BW, VL, DQ, BF16): products of bfloat16 by tile registers.
#include "include/CKernels.h"
#if defined(__x86_64__) && defined(__linux__)
  #define LEVEL(name) name##_amx
  #define LEVEL_NAME "amx"
  #define BFLOAT16_INSTRUCTIONS
  #define MATRIX_TILES
  #define LANES 16
  #define TILE 12
  #include <immintrin.h>
  #include <string.h>
  #pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi2,avx512bf16,amx-tile,amx-bf16"))), apply_to = function)
  #include "level.h"
  #pragma clang attribute pop
#endif
