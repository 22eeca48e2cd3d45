#!/usr/bin/env python3
"""How exact a 3x3 convolution is whose factors are rounded to bfloat16: directly, and by Winograd's algorithm.

Prints the root mean square error beside the results' standard deviation, for normally distributed images and weights of a
layer of 64 to 64 channels. Needs numpy: .build-peers/bin/python Benchmarks/narrow_winograd.py
"""

import numpy

CHANNELS, TILES = 64, 200


def bfloat16(x):
    bits = x.astype(numpy.float32).view(numpy.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & numpy.uint32(0xFFFF0000)
    return rounded.astype(numpy.uint32).view(numpy.float32).astype(float)


# Bt, G, At of Winograd's algorithm for 2x2 and 4x4 outputs; see Sources/CKernels/winograd.h.
MATRICES = {
    2: ([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]]),
    4: ([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
         [0, 4, 0, -5, 0, 1]],
        [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
         [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]),
}


def direct(x, w, size):
    return sum(
        numpy.einsum("tcij,ck->tkij", x[:, :, a:a + size, b:b + size], w[:, :, a, b]) for a in range(3) for b in range(3))


def winograd(x, w, size):
    bt, g, at = (numpy.array(matrix, float) for matrix in MATRICES[size])
    v = bfloat16(numpy.einsum("ia,tcab,jb->tcij", bt, x, bt))
    u = bfloat16(numpy.einsum("ia,ckab,jb->ckij", g, w, g))
    return numpy.einsum("ai,tkij,bj->tkab", at, numpy.einsum("tcij,ckij->tkij", v, u), at)


def main():
    random = numpy.random.default_rng(0)
    w = random.standard_normal((CHANNELS, CHANNELS, 3, 3)) * (2 / (9 * CHANNELS)) ** 0.5
    for size in MATRICES:
        x = random.standard_normal((TILES, CHANNELS, size + 2, size + 2))
        exact = direct(x, w, size)
        for name, result in (("direct", direct(bfloat16(x), bfloat16(w), size)),
                             (f"F({size}x{size}, 3x3)", winograd(x, w, size))):
            error = numpy.sqrt(numpy.mean((result - exact) ** 2)) / exact.std()
            print(f"{name} in bfloat16: {error:.2%}")


if __name__ == "__main__":
    main()
