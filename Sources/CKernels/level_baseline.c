// Any processor: four floats per vector, which is SSE2 on x86-64 and NEON on arm64.
#define LEVEL(name) name##_baseline
#define LEVEL_NAME "baseline"
#define LANES 4
#define TILE 6
#include "level.h"
