// What AddressSanitizer is told of the framework's own memory pool, whose blocks it would otherwise take for whole objects.
#include "include/CKernels.h"

#if defined(__has_feature)
  #if __has_feature(address_sanitizer)
    #include <sanitizer/asan_interface.h>
    #define FORBID(start, size) __asan_poison_memory_region(start, size)
    #define ALLOW(start, size) __asan_unpoison_memory_region(start, size)
  #endif
#endif
#ifndef FORBID
  #define FORBID(start, size) ((void)(start), (void)(size))
  #define ALLOW(start, size) ((void)(start), (void)(size))
#endif

void ckernels_limit_block(void *block, ptrdiff_t size, ptrdiff_t capacity) {
  ALLOW(block, (size_t)size);
  FORBID((char *)block + size, (size_t)(capacity - size));
}
