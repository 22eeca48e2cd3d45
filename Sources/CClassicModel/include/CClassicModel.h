#pragma once
#include <stddef.h>
#include <stdint.h>

// The model file that comes with this package, in the binary, so that it needs no file beside it.

/// The bytes of classic.safetensors, which stay where they are as long as the program runs.
const uint8_t *classic_model_bytes(void);

/// How many there are.
size_t classic_model_size(void);
