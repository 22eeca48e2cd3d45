// In C, since Swift takes minutes to compile an array of a few megabytes.
#include "include/CClassicModel.h"

// #embed is a part of C23 that the compiler knows in every version of C.
#pragma clang diagnostic ignored "-Wc23-extensions"

// Aligned as a file that is mapped into memory would be, as far as its elements care.
_Alignas(64) static const uint8_t bytes[] = {
#embed "classic.safetensors"
};

const uint8_t *classic_model_bytes(void) { return bytes; }

size_t classic_model_size(void) { return sizeof bytes; }
