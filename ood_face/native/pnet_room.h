/* Where pnet_dots.c has everything, and how it lays out the pixels.
 *
 * The first layer sees two rows and two columns for each cell of what it gives: pixels lie in four
 * phases, of even and odd rows and of even and odd columns, so that 16 cells' are side by side.
 */

#ifndef OOD_FACE_PNET_ROOM_H
#define OOD_FACE_PNET_ROOM_H

#include "dots.h"

#ifdef WITH_DOTS

enum {
    PHASES = 4,
    CHANNELS1 = 10, CHANNELS2 = 16,
    PLANES1 = CHANNELS1 / PAIRS, PLANES2 = CHANNELS2 / QUADS,
    TAPS1 = 15,  /* red and green of 9 pixels; blue of 2 x 3, one above the other; of 3 */
    SPARE = 192, /* positions that are looked at behind the last */
    WIDEST = 512 /* pixels of a row */
};

/* Where everything lies in the room: planes of so many positions, and rows of so many. */
typedef struct {
    int64_t row, plane;
    int32_t *pixels; /* of each phase a plane of red and green, and of blue and blue below */
    int32_t *first, *second;
    float *logits;
} places;

INLINE places places_in(uint8_t *room, int64_t rows, int64_t cols)
{
    const int64_t plane = rows / 2 * (cols / 2) + SPARE;
    int32_t *const at = (int32_t *)room;
    const places found = {
        cols / 2,
        plane,
        at,
        at + 2 * PHASES * plane,
        at + (2 * PHASES + PLANES1) * plane,
        (float *)(at + (2 * PHASES + PLANES1 + PLANES2) * plane),
    };
    return found;
}

/* Where each tap of the first layer's filters finds its numbers, for each of four pixels. */
typedef int64_t taps[TAPS1][4];

INLINE void find_taps(const places *room, taps where)
{
    for (int tap = 0; tap < TAPS1; tap++)
        for (int pixel = 0; pixel < 4; pixel++) {
            const int blue = tap >= 9, down = blue ? (tap - 9) / 3 * 2 : tap / 3;
            const int y = down + pixel / 2, x = tap % 3 + pixel % 2;
            where[tap][pixel] = ((y % 2 * 2 + x % 2) * 2 + blue) * room->plane +
                                y / 2 * room->row + x / 2;
        }
}

/* Of a pair of registers of positions, the even ones and the odd ones. */
INLINE_DOTS void apart(__m512i low, __m512i high, int32_t *even, int32_t *odd, __mmask16 there)
{
    const __m512i twos =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i next = _mm512_add_epi32(twos, _mm512_set1_epi32(1));
    _mm512_mask_storeu_epi32(even, there, _mm512_permutex2var_epi32(low, twos, high));
    _mm512_mask_storeu_epi32(odd, there, _mm512_permutex2var_epi32(low, next, high));
}

/* So many numbers, and no more than there are places for. */
INLINE_DOTS __mmask64 first_of(int64_t count, int places)
{
    const __mmask64 all = ~(__mmask64)0 >> (64 - places);
    return count <= 0 ? 0 : count < places ? ((__mmask64)1 << count) - 1 : all;
}

/* What is to be seen of a picture, and how far it is. */
typedef struct {
    const float *pixels;
    int64_t rows, cols, packed;
    int32_t blue[WIDEST / (2 * LANES)][2][LANES]; /* of the row before */
} packing;

/* The next row of pixels. */
DOTS static inline void pack_row(packing *of, const places *room)
{
    const int64_t line = of->packed++, phase = 2 * room->plane; /* numbers of a phase */
    const float *pixels = of->pixels + 3 * line * of->cols;
    int32_t *even = room->pixels + line % 2 * 2 * phase + line / 2 * room->row;
    int32_t *before =
        room->pixels + (line + 1) % 2 * 2 * phase + (line - 1) / 2 * room->row + room->plane;
    for (int64_t col = 0; col < of->cols; col += 2 * LANES) {
        const int64_t rest = of->cols - col, to = col / 2;
        const __mmask16 there = (__mmask16)first_of(rest / 2, LANES);
        int32_t(*blue)[LANES] = of->blue[col / (2 * LANES)];
        __m512i low[3], high[3];
        colours(pixels + 3 * col, first_of(3 * rest, 3 * LANES), low);
        colours(pixels + 3 * (col + LANES), first_of(3 * (rest - LANES), 3 * LANES), high);
        apart(beside(low[0], low[1]), beside(high[0], high[1]), even + to, even + phase + to,
              there);
        if (line)
            apart(beside(_mm512_loadu_si512(blue[0]), low[2]),
                  beside(_mm512_loadu_si512(blue[1]), high[2]), before + to, before + phase + to,
                  there);
        if (line == of->rows - 1)
            apart(low[2], high[2], even + room->plane + to, even + phase + room->plane + to,
                  there);
        _mm512_storeu_si512(blue[0], low[2]);
        _mm512_storeu_si512(blue[1], high[2]);
    }
}

#endif
#endif
