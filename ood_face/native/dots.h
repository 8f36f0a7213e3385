/* Sums of products of integers (AVX-512 VNNI): two products of 16 bits, or four of 8, in each of 16
 * lanes at once.
 *
 * Numbers that are multiplied at once lie together: two of 16 bits (a pair), or four of 8 (a quad).
 * Positions are counted through from row to row; those at a row's end, where a filter would look
 * beyond it, give numbers that nobody reads.
 */

#ifndef OOD_FACE_DOTS_H
#define OOD_FACE_DOTS_H

#include "registers.h"

/* gcc knows this tuning from version 11 on */
#if defined(WITH_REGISTERS) && !defined(__clang__) && __GNUC__ >= 11
#define WITH_DOTS 1

#define DOTS __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,tune=znver3")))
#define INLINE_DOTS static inline DOTS __attribute__((always_inline))

/* kinds, as how many numbers are multiplied at once */
enum { PAIRS = 2, QUADS = 4 };

/* Add the products; of quads, `numbers` are not signed. In assembly, because gcc 12 moves the sums
 * of its own functions for this from register to register, and to memory. */
INLINE_DOTS __m512i added(__m512i sum, __m512i numbers, __m512i weights, int kind)
{
    if (kind == PAIRS)
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(numbers), "v"(weights));
    else
        __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(numbers), "v"(weights));
    return sum;
}

/* Numbers as floats again, in the units of what comes next. */
INLINE_DOTS __m512 scaled(__m512i sum, __m512 scale, __m512 bias)
{
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, bias);
}

/* 16 pixels, whose colours lie together, become one register of each colour, in 64ths; `there`: of
 * the 48 numbers. */
INLINE_DOTS void colours(const float *pixels, __mmask64 there, __m512i *of)
{
    const __m512i threes =
        _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    const __m512 a = _mm512_maskz_loadu_ps((__mmask16)there, pixels);
    const __m512 b = _mm512_maskz_loadu_ps((__mmask16)(there >> LANES), pixels + LANES);
    const __m512 c = _mm512_maskz_loadu_ps((__mmask16)(there >> 2 * LANES), pixels + 2 * LANES);
#pragma GCC unroll 3
    for (int colour = 0; colour < 3; colour++) {
        /* what lies in the last register counts from 32 on */
        const __m512i from = _mm512_add_epi32(threes, _mm512_set1_epi32(colour));
        const __mmask16 behind = _mm512_cmpge_epi32_mask(from, _mm512_set1_epi32(2 * LANES));
        const __m512 all = _mm512_mask_permutexvar_ps(_mm512_permutex2var_ps(a, from, b), behind,
                                                      from, c);
        of[colour] = _mm512_cvtps_epi32(_mm512_mul_ps(all, _mm512_set1_ps(64.0f)));
    }
}

/* Two numbers of 16 bits, none of them below zero, as a pair. */
INLINE_DOTS __m512i beside(__m512i low, __m512i high)
{
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

#endif
#endif
