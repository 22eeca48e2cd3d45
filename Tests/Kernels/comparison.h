// Numbers for the kernels' tests, memory for their results, and how far these are off.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "CKernels.h"

static const ckernels_table *k;
static int failures;

// Memory of exactly this size, freed at the end of a test by `release`.
static void *blocks[1000];
static int block_count;
static void *block(size_t size) { return blocks[block_count++] = calloc(1, size ? size : 1); }
#define NEW(type, count) ((type *)block((size_t)(count) * sizeof(type)))
static void release(void) {
  while (block_count) free(blocks[--block_count]);
}

static uint32_t state = 1;
static uint32_t word(void) {
  state ^= state << 13, state ^= state >> 17, state ^= state << 5;
  return state;
}
static float *numbers(ptrdiff_t count) {
  float *x = NEW(float, count);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)word() / 2147483648.0f - 1;
  return x;
}

// Results of one kernel: how many were compared and how far off the worst was.
typedef struct {
  const char *name;
  double tolerance, worst;
  long compared;
} result;
enum { MOST_RESULTS = 128 };
static result results[MOST_RESULTS];
static int result_count;

static void compare_with(const char *name, double tolerance, const float *floats, const double *doubles,
                         const double *expected, ptrdiff_t count) {
  int at = 0;
  while (at < result_count && strcmp(results[at].name, name)) at++;
  if (at == MOST_RESULTS) {
    fprintf(stderr, "more than %d results; raise MOST_RESULTS\n", MOST_RESULTS);
    exit(1);
  }
  if (at == result_count) results[result_count++] = (result){name, tolerance, 0, 0};
  // All inputs are numbers in ±1, so results are about as large; a smaller one is the chance of cancelling terms.
  double largest = 1;
  for (ptrdiff_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
  for (ptrdiff_t i = 0; i < count; i++) {
    const double error = fabs((floats ? (double)floats[i] : doubles[i]) - expected[i]) / largest;
    // A NaN stays the worst.
    if (!isnan(results[at].worst) && !(error <= results[at].worst)) results[at].worst = error;
  }
  results[at].compared += count;
}
static void compare(const char *name, double tolerance, const float *actual, const double *expected, ptrdiff_t count) {
  compare_with(name, tolerance, actual, NULL, expected, count);
}
// Of numbers in ±1, of which at most 128 are added up in float: each sum may be off by 2⁻²⁴ of what has come together.
static void compare_sums(const char *name, const double *actual, const double *expected, ptrdiff_t count) {
  compare_with(name, 1e-5, NULL, actual, expected, count);
}
static void print_results(void) {
  for (int i = 0; i < result_count; i++) {
    const int wrong = !(results[i].worst <= results[i].tolerance);
    printf("%-9s %-28s %9ld values, worst error %.1e%s\n", k->name, results[i].name, results[i].compared,
           results[i].worst, wrong ? "  WRONG" : "");
    failures += wrong;
  }
  result_count = 0;
}

// The nearest number with eight significant bits.
static double bfloat16(float x) {
  int exponent;
  const double fraction = frexp(x, &exponent);
  return ldexp(rint(ldexp(fraction, 8)), exponent - 8);
}

// Rounded numbers of which every kernel makes words of its own; their products are exact.
static float *rounded_numbers(ptrdiff_t count) {
  float *x = numbers(count);
  for (ptrdiff_t i = 0; i < count; i++) x[i] = (float)bfloat16(x[i]);
  return x;
}

// The upper halves of numbers that bfloat16 holds, and what such halves stand for.
static uint16_t *halves_of(const float *x, ptrdiff_t count) {
  uint16_t *halves = NEW(uint16_t, count);
  for (ptrdiff_t i = 0; i < count; i++) memcpy(halves + i, (const char *)(x + i) + 2, 2);
  return halves;
}
static float *floats_of(const uint16_t *halves, ptrdiff_t count) {
  float *x = NEW(float, count);
  for (ptrdiff_t i = 0; i < count; i++) memcpy((char *)(x + i) + 2, halves + i, 2);
  return x;
}
