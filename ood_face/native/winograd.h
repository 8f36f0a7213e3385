/* What winograd.c computes, where it has everything, and the arithmetic of it. */

#ifndef OOD_FACE_WINOGRAD_H
#define OOD_FACE_WINOGRAD_H

#include "registers.h"

/* gcc knows the instructions from version 10, this tuning from version 11 on */
#if defined(WITH_REGISTERS) && !defined(__clang__) && __GNUC__ >= 11
#define WITH_BF16 1

#define BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,tune=znver3")))
#define INLINE_BF16 static inline BF16 __attribute__((always_inline))

enum {
    SIDE = 4, POINTS = SIDE * SIDE,
    TOGETHER = 2 * LANES, /* channels, a register of them; or filters, two registers of their sums */
    SOME = 56,            /* tiles, or more where a row of them is longer */
    MOST = 14             /* tiles that are multiplied at once */
};

typedef uint16_t bf16;

/* A convolution with padding of 1, what is added to it, and maybe a ReLU. */
typedef struct {
    /* by filters together, points, channels together, pairs of these: of each filter two numbers;
     * even channels lie before odd ones */
    const bf16 *weights;
    const float *bias;
    int64_t channels, filters, height, width, relu;
} winograd;

/* Rows of what it gives for some pictures, from an even one on; channels lie together. */
typedef struct {
    const bf16 *source, *added; /* NULL: nothing is */
    bf16 *target;
    uint8_t *room;
    int64_t pictures, first, behind;
} piece;

/* Tiles that are done at a time: so many rows and columns of them, from a row of pixels on. */
typedef struct {
    int64_t picture, first, rows, columns, tiles;
    bf16 *seen;      /* points, channels together, tiles */
    float *products; /* points, tiles, filters together */
} strip;

INLINE int64_t smaller(int64_t one, int64_t other) { return one < other ? one : other; }

INLINE int64_t rows_at_once(int64_t columns) { return columns < SOME ? SOME / columns : 1; }

/* Channels as floats: those at even places and those at odd ones. */
INLINE_BF16 void floats(const bf16 *channels, __m512 *of)
{
    const __m512i both = _mm512_loadu_si512(channels);
    of[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    of[1] = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(~0xffff)));
}

INLINE_BF16 __m512 widened(__m256i numbers)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(numbers), 16));
}

/* Add the products of pairs; in assembly, see dots.h. */
INLINE_BF16 __m512 added(__m512 sum, __m512i numbers, __m512i weights)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(numbers), "v"(weights));
    return sum;
}

/* What four numbers are brought into. */
INLINE_BF16 void brought(const __m512 *from, int step, __m512 *into)
{
    into[0] = _mm512_sub_ps(from[0], from[2 * step]);
    into[1] = _mm512_add_ps(from[step], from[2 * step]);
    into[2] = _mm512_sub_ps(from[2 * step], from[step]);
    into[3] = _mm512_sub_ps(from[step], from[3 * step]);
}

/* What four numbers are brought back into. */
INLINE_BF16 void returned(const __m512 *from, int step, __m512 *into)
{
    const __m512 sum = _mm512_add_ps(from[step], from[2 * step]);
    const __m512 apart = _mm512_sub_ps(from[step], from[2 * step]);
    into[0] = _mm512_add_ps(from[0], sum);
    into[1] = _mm512_sub_ps(apart, from[3 * step]);
}

#endif
#endif
