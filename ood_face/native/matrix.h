/* Products of small matrices in bfloat16, by the matrix unit of some processors (AMX).
 *
 * A convolution is taken as a product: a row of the left matrix is what lies in memory from one
 * position of the picture on, a column of the right one is a filter, with zeros for what the filter
 * does not look at. Positions are counted through from row to row; those at a row's end, where a
 * filter would look beyond it, give numbers that nobody reads.
 */

#ifndef OOD_FACE_MATRIX_H
#define OOD_FACE_MATRIX_H

#include "registers.h"

/* gcc knows the unit from version 11 on */
#if defined(WITH_REGISTERS) && !defined(__clang__) && __GNUC__ >= 11
#define WITH_MATRICES 1

/* of a matrix: rows, bytes of a row, numbers in all */
enum { ROWS = 16, ROW_BYTES = 64, NUMBERS = 512 };
/* numbers: red, green, blue and nothing, of a row and of the one below */
enum { PIXEL = 8 };

typedef uint16_t bf16;
/* the right matrix: numbers 2r and 2r + 1 of each of 16 columns in row r */
typedef bf16 filters[NUMBERS];

#define MATRIX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#define INLINE_MATRIX static inline MATRIX __attribute__((always_inline))

/* All eight registers of the unit hold whole matrices until _tile_release(). */
INLINE_MATRIX void matrix_begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } wanted = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        wanted.row_bytes[i] = ROW_BYTES;
        wanted.rows[i] = ROWS;
    }
    _tile_loadconfig(&wanted);
}

INLINE_MATRIX void put(bf16 *at, __m512 value)
{
    _mm256_storeu_si256((__m256i *)at, (__m256i)_mm512_cvtneps_pbh(value));
}

/* The same of twice as many numbers. */
INLINE_MATRIX void put_two(bf16 *at, __m512 first, __m512 second)
{
    _mm512_storeu_si512(at, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* The bits of bfloat16 as integers in the order of the numbers, and back. */
INLINE_MATRIX __m512i ordered(__m512i bits)
{
    const __m512i negative = _mm512_srai_epi16(bits, 15);
    return _mm512_xor_si512(bits, _mm512_srli_epi16(negative, 1));
}

/* 16 rows of sums become 32 channels of each, ordered. */
INLINE_MATRIX void write_pair(float (*low)[LANES], float (*high)[LANES], const float *slopes,
                              bf16 *out, int64_t step)
{
    const __m512 one = _mm512_loadu_ps(slopes), two = _mm512_loadu_ps(slopes + LANES);
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i++) {
        const __m512bh both = _mm512_cvtne2ps_pbh(bent(_mm512_loadu_ps(high[i]), two),
                                                  bent(_mm512_loadu_ps(low[i]), one));
        _mm512_storeu_si512(out + step * i, ordered((__m512i)both));
    }
}

/* Pixels around zero, two rows together; the side is a multiple of 4. */
MATRIX static inline void pack(const float *pixels, int64_t side, bf16 *out)
{
    const __m512i spread = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const __m512i together = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    const __m512 middle = _mm512_set1_ps(127.5f);
    for (int64_t row = 0; row < side; row += 2) {
        const float *upper = pixels + 3 * row * side, *lower = upper + 3 * side;
        for (int64_t col = 0; col < side; col += 4) {
            const __m512 one = _mm512_maskz_loadu_ps(0xfff, upper + 3 * col);
            const __m512 two = _mm512_maskz_loadu_ps(0xfff, lower + 3 * col);
            const __m512bh both =
                _mm512_cvtne2ps_pbh(_mm512_sub_ps(_mm512_permutexvar_ps(spread, two), middle),
                                    _mm512_sub_ps(_mm512_permutexvar_ps(spread, one), middle));
            _mm512_storeu_si512(out + PIXEL * (row / 2 * side + col),
                                _mm512_permutexvar_epi64(together, (__m512i)both));
        }
    }
}

#endif
#endif
