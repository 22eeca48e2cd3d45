// The limits of the processor that docs/performance.md compares with: multiply-adds per second in float and bfloat16, and
// bytes per second while Adam's step runs over more weights than any cache holds; with one thread and with two.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__linux__)
  #include <sys/mman.h>
#endif
#include "CKernels.h"
#if defined(__x86_64__)
  #include <immintrin.h>
#endif

enum { ACCUMULATORS = 12, ROUNDS = 20000000, WEIGHTS = 18874368, BYTES_PER_WEIGHT = 36, TRIES = 7 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#if defined(__x86_64__)
// Enough independent sums to hide the latency; the empty assembly keeps the compiler from joining them.
__attribute__((target("avx512f"))) static void *multiply_add(void *unused) {
  __m512 sums[ACCUMULATORS] = {0}, factor = _mm512_set1_ps(0.99f);
  for (long round = 0; round < ROUNDS; round++)
  #pragma clang loop unroll(full)
    for (int i = 0; i < ACCUMULATORS; i++) {
      sums[i] = _mm512_fmadd_ps(sums[i], factor, factor);
      __asm__("" : "+v"(sums[i]));
    }
  return unused;
}

__attribute__((target("avx512f,avx512bf16"))) static void *multiply_add_bfloat16(void *unused) {
  __m512 sums[ACCUMULATORS] = {0};
  const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3F803F80);
  for (long round = 0; round < ROUNDS; round++)
  #pragma clang loop unroll(full)
    for (int i = 0; i < ACCUMULATORS; i++) {
      sums[i] = _mm512_dpbf16_ps(sums[i], factor, factor);
      __asm__("" : "+v"(sums[i]));
    }
  return unused;
}
#endif

static float *weights[5];
static const ckernels_table *kernels;
static int parts = 1;

static void *adam(void *part) {
  const ckernels_adam step = {1, 1e30f, 1, 0.1f, 0.001f, 1e-3f, 1e-7f};
  const ptrdiff_t count = WEIGHTS / parts, first = (ptrdiff_t)part * count;
  kernels->adam(&step, count, weights[0] + first, weights[1] + first, weights[2] + first, weights[3] + first,
                weights[4] + first);
  return NULL;
}

// The shortest time of several tries with so many threads.
static double seconds(void *(*work)(void *), int threads) {
  double best = 1e9;
  parts = threads;
  for (int try = 0; try < TRIES; try++) {
    pthread_t others[8];
    const double start = now();
    for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, work, (void *)(ptrdiff_t)i);
    work(NULL);
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    if (now() - start < best) best = now() - start;
  }
  return best;
}

int main(void) {
  kernels = ckernels_for_level(ckernels_best_level());
  printf("kernels: %s\n", kernels->name);
#if defined(__x86_64__)
  if (ckernels_best_level() >= ckernels_level_avx512)
    for (int threads = 1; threads <= 2; threads++)
      printf("float32 multiply-add, %d thread(s): %.0f GFLOP/s\n", threads,
             2.0 * 16 * ACCUMULATORS * ROUNDS * threads / seconds(multiply_add, threads) / 1e9);
  if (ckernels_best_level() >= ckernels_level_avx512bf16)
    for (int threads = 1; threads <= 2; threads++)
      printf("bfloat16 multiply-add, %d thread(s): %.0f GFLOP/s\n", threads,
             2.0 * 32 * ACCUMULATORS * ROUNDS * threads / seconds(multiply_add_bfloat16, threads) / 1e9);
#endif
  for (int i = 0; i < 5; i++) {
    if (posix_memalign((void **)&weights[i], 2 << 20, WEIGHTS * sizeof(float))) return 1;
#if defined(__linux__)
    madvise(weights[i], WEIGHTS * sizeof(float), MADV_HUGEPAGE);
#endif
    for (long j = 0; j < WEIGHTS; j++) weights[i][j] = (float)(j % 1000) / 1000;
  }
  for (int threads = 1; threads <= 2; threads++)
    printf("Adam's step over 19 million weights, %d thread(s): %.1f GB/s\n", threads,
           (double)WEIGHTS * BYTES_PER_WEIGHT / seconds(adam, threads) / 1e9);
  return 0;
}
