/* The P-Net on a strip of the pyramid, in integers: a first look, as pnet_tiles.c takes it, where
 * there is no matrix unit. The first two layers are of 16 bits, the third one, with two thirds of the
 * products, of 8. See ood_face/detection/pnet_dots.py.
 *
 * Positions are counted through from row to row; those at a row's end, where a filter would look
 * beyond it, give numbers that nobody reads. Some rows go through all layers, then the next ones, so
 * that they stay in the caches.
 */

#include "dots.h"

#ifdef WITH_DOTS

#include <string.h>

enum {
    BELOW = 2, /* rows that a convolution of three takes away */
    TAKEN = 2 * BELOW,
    PHASES = 4,           /* pixels of even and odd rows, of even and odd columns */
    CHANNELS1 = 10, CHANNELS2 = 16, CHANNELS3 = 32,
    PLANES1 = CHANNELS1 / PAIRS, PLANES2 = CHANNELS2 / QUADS,
    TAPS1 = 15,           /* red and green of 9 pixels; blue of 2 x 3, one above the other; of 3 */
    SOME1 = 5,            /* filters at once: at four pixels; */
    SOME = 8, AT_ONCE = 3, /* at so many registers of positions */
    STEP = AT_ONCE * LANES,
    BAND = 4,             /* rows that go from layer to layer together */
    SPARE = 4 * STEP,     /* positions that are looked at behind the last */
    WIDEST = 512          /* pixels of a row */
};

typedef struct {
    int32_t first[CHANNELS1 / SOME1][TAPS1][SOME1];
    float scale1[CHANNELS1], bias1[CHANNELS1], slopes1[CHANNELS1];
    int32_t second[CHANNELS2 / SOME][PLANES1 * 9][SOME];
    float scale2[CHANNELS2], bias2[CHANNELS2], slopes2[CHANNELS2];
    float from2[CHANNELS2], bent2[CHANNELS2]; /* zero, and where the line below it begins */
    int32_t third[CHANNELS3 / SOME][PLANES2 * 9][SOME];
    float scale3[CHANNELS3], bias3[CHANNELS3], over4[CHANNELS3], under4[CHANNELS3];
    float bias4;
} pnet;

/* Where everything lies in the room: planes of so many positions, and rows of so many. */
typedef struct {
    int64_t row, plane;
    int32_t *pixels; /* of each phase a plane of red and green, and of blue and blue below */
    int32_t *first, *second;
    float *logits;
} places;

static places places_in(uint8_t *room, int64_t rows, int64_t cols)
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

/* 32-bit integers as pairs and as quads; what does not fit is cut off at the largest. */
INLINE_DOTS __m512i paired(__m512i low, __m512i high)
{
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    return _mm512_shuffle_epi8(_mm512_packs_epi32(low, high), order);
}

INLINE_DOTS __m512i four(__m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i order = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm512_shuffle_epi8(
        _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)), order);
}

/* Of a pair of registers of positions, the even ones and the odd ones. */
INLINE_DOTS void apart(__m512i low, __m512i high, int32_t *even, int32_t *odd, __mmask16 there)
{
    const __m512i twos = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
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
DOTS static void pack_row(packing *of, const places *room)
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

/* PReLU and the largest of 2 x 2: where the slope is below zero, the smallest counts, too. */
INLINE_DOTS __m512i largest(const __m512i *sums, __m512 scale, __m512 bias, float slope)
{
    const __m512i high = _mm512_max_epi32(_mm512_max_epi32(sums[0], sums[1]),
                                          _mm512_max_epi32(sums[2], sums[3]));
    const __m512 most = scaled(high, scale, bias), slopes = _mm512_set1_ps(slope);
    if (slope >= 0)
        return _mm512_cvtps_epi32(bent(most, slopes));
    const __m512i low = _mm512_min_epi32(_mm512_min_epi32(sums[0], sums[1]),
                                         _mm512_min_epi32(sums[2], sums[3]));
    return _mm512_cvtps_epi32(_mm512_max_ps(most, _mm512_mul_ps(scaled(low, scale, bias), slopes)));
}

/* Where each tap of the first layer's filters finds its numbers, for each of four pixels. */
typedef int64_t taps[TAPS1][4];

static void find_taps(const places *room, taps where)
{
    for (int tap = 0; tap < TAPS1; tap++)
        for (int pixel = 0; pixel < 4; pixel++) {
            const int blue = tap >= 9, down = blue ? (tap - 9) / 3 * 2 : tap / 3;
            const int y = down + pixel / 2, x = tap % 3 + pixel % 2;
            where[tap][pixel] = ((y % 2 * 2 + x % 2) * 2 + blue) * room->plane +
                                y / 2 * room->row + x / 2;
        }
}

/* Some filters of the first layer; not inlined, or gcc 12 keeps more than there are registers for. */
__attribute__((noinline)) DOTS static void some_filters(const pnet *net, int from,
                                                        const int32_t *pixels, taps where,
                                                        __m512i *found)
{
    const int32_t(*weights)[SOME1] = net->first[from / SOME1];
    __m512i sums[4 * SOME1];
#pragma GCC unroll 20
    for (int i = 0; i < 4 * SOME1; i++)
        sums[i] = _mm512_setzero_si512();
    for (int tap = 0; tap < TAPS1; tap++) {
        __m512i given[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            given[i] = _mm512_loadu_si512(pixels + where[tap][i]);
#pragma GCC unroll 20
        for (int i = 0; i < 4 * SOME1; i++)
            sums[i] = added(sums[i], given[i % 4], _mm512_set1_epi32(weights[tap][i / 4]), PAIRS);
    }
#pragma GCC unroll 5
    for (int i = 0; i < SOME1; i++)
        found[i] = largest(sums + 4 * i, _mm512_set1_ps(net->scale1[from + i]),
                           _mm512_set1_ps(net->bias1[from + i]), net->slopes1[from + i]);
}

DOTS static void first_layer(const pnet *net, const places *room, taps where, int64_t from,
                             int64_t to)
{
    for (int64_t at = from; at < to; at += LANES) {
        __m512i found[CHANNELS1];
        for (int some = 0; some < CHANNELS1; some += SOME1)
            some_filters(net, some, room->pixels + at, where, found + some);
#pragma GCC unroll 5
        for (int plane = 0; plane < PLANES1; plane++)
            _mm512_storeu_si512(room->first + plane * room->plane + at,
                                paired(found[2 * plane], found[2 * plane + 1]));
    }
}

/* A 3 x 3 convolution: SOME filters at AT_ONCE registers of positions. */
INLINE_DOTS void convolved(const int32_t *at, const places *room, int planes,
                           const int32_t (*weights)[SOME], int kind, __m512i *sums)
{
#pragma GCC unroll 24
    for (int i = 0; i < SOME * AT_ONCE; i++)
        sums[i] = _mm512_setzero_si512();
    for (int plane = 0; plane < planes; plane++)
        for (int down = 0; down < 3; down++) {
            const int32_t *here = at + plane * room->plane + down * room->row;
#pragma GCC unroll 3
            for (int right = 0; right < 3; right++, here++, weights++) {
                __m512i given[AT_ONCE];
#pragma GCC unroll 3
                for (int i = 0; i < AT_ONCE; i++)
                    given[i] = _mm512_loadu_si512(here + i * LANES);
#pragma GCC unroll 8
                for (int filter = 0; filter < SOME; filter++) {
                    const __m512i weight = _mm512_set1_epi32((*weights)[filter]);
#pragma GCC unroll 3
                    for (int i = 0; i < AT_ONCE; i++)
                        sums[filter * AT_ONCE + i] =
                            added(sums[filter * AT_ONCE + i], given[i], weight, kind);
                }
            }
        }
}

DOTS static void second_layer(const pnet *net, const places *room, int64_t from, int64_t to)
{
    for (int64_t at = from; at < to; at += STEP)
        for (int some = 0; some < CHANNELS2; some += SOME) {
            __m512i sums[SOME * AT_ONCE];
            convolved(room->first + at, room, PLANES1, net->second[some / SOME], PAIRS, sums);
#pragma GCC unroll 24
            for (int i = 0; i < SOME * AT_ONCE; i++) {
                const int filter = some + i / AT_ONCE;
                const __m512 value = scaled(sums[i], _mm512_set1_ps(net->scale2[filter]),
                                            _mm512_set1_ps(net->bias2[filter]));
                const __mmask16 below =
                    _mm512_cmp_ps_mask(value, _mm512_set1_ps(net->from2[filter]), _CMP_LT_OQ);
                sums[i] = _mm512_cvtps_epi32(
                    _mm512_mask_fmadd_ps(value, below, _mm512_set1_ps(net->slopes2[filter]),
                                         _mm512_set1_ps(net->bent2[filter])));
            }
#pragma GCC unroll 6
            for (int i = 0; i < SOME / QUADS * AT_ONCE; i++) {
                const int plane = i / AT_ONCE, first = plane * QUADS * AT_ONCE + i % AT_ONCE;
                _mm512_storeu_si512(room->second + (some / QUADS + plane) * room->plane + at +
                                        i % AT_ONCE * LANES,
                                    four(sums[first], sums[first + AT_ONCE],
                                         sums[first + 2 * AT_ONCE], sums[first + 3 * AT_ONCE]));
            }
        }
}

/* The third layer and, of the fourth, the logit. */
DOTS static void third_layer(const pnet *net, const places *room, int64_t from, int64_t to)
{
    for (int64_t at = from; at < to; at += STEP) {
        __m512 logits[AT_ONCE];
#pragma GCC unroll 3
        for (int i = 0; i < AT_ONCE; i++)
            logits[i] = _mm512_set1_ps(net->bias4);
        for (int some = 0; some < CHANNELS3; some += SOME) {
            __m512i sums[SOME * AT_ONCE];
            convolved(room->second + at, room, PLANES2, net->third[some / SOME], QUADS, sums);
#pragma GCC unroll 24
            for (int i = 0; i < SOME * AT_ONCE; i++) {
                const int filter = some + i / AT_ONCE;
                const __m512 value = scaled(sums[i], _mm512_set1_ps(net->scale3[filter]),
                                            _mm512_set1_ps(net->bias3[filter]));
                const __m512 weight = _mm512_mask_blend_ps(
                    _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ), _mm512_set1_ps(net->over4[filter]),
                    _mm512_set1_ps(net->under4[filter]));
                logits[i % AT_ONCE] = _mm512_fmadd_ps(value, weight, logits[i % AT_ONCE]);
            }
        }
#pragma GCC unroll 3
        for (int i = 0; i < AT_ONCE; i++)
            _mm512_storeu_ps(room->logits + at + i * LANES, logits[i]);
    }
}

/* So many, in whole steps. */
INLINE int64_t whole(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

/* scan.c runs it as it runs a library's primitive. */
DOTS static int run(const void *network, void *stream, int count, const void *given)
{
    (void)stream, (void)count;
    const job *wanted = given;
    const places room = places_in(wanted->room, wanted->size, wanted->width);
    const int64_t wide = room.row - 1 - TAKEN, last = wanted->size / 2 - 1 - TAKEN;
    /* how far beyond a position the second and the third layer look */
    const int64_t reach = BELOW * room.row + BELOW;
    packing pixels = {.pixels = wanted->pixels, .rows = wanted->size, .cols = wanted->width};
    int64_t first = 0, second = 0, third = 0;
    taps where;
    find_taps(&room, where);
    for (int64_t rows = 0; rows < last;) {
        rows = rows + BAND < last ? rows + BAND : last;
        const int64_t to3 = whole(rows * room.row, STEP), to2 = whole(to3 + reach, STEP);
        const int64_t to1 = whole(to2 + reach, LANES), lines = 2 * (to1 / room.row + 3);
        while (pixels.packed < pixels.rows && pixels.packed < lines)
            pack_row(&pixels, &room);
        first_layer(network, &room, where, first, to1);
        second_layer(network, &room, second, to2);
        third_layer(network, &room, third, to3);
        first = to1, second = to2, third = to3;
    }
    for (int64_t row = 0; row < last; row++)
        memcpy(wanted->answers + row * wide, room.logits + row * room.row,
               (size_t)wide * sizeof(float));
    return 0;
}

/* Return the address of an execute_function; its primitive is a pnet, what it is given a job with
 * the pixels of a strip: even numbers of rows and, up to `WIDEST`, of columns. */
int64_t pnet_dots_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

int64_t pnet_dots_room(int64_t rows, int64_t cols)
{
    const places room = places_in(0, rows, cols);
    return (int64_t)(intptr_t)(room.logits + room.plane);
}

int64_t dots_usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
}

#else

int64_t dots_usable(void) { return 0; }

int64_t pnet_dots_room(int64_t rows, int64_t cols) { return 0 * rows * cols; }

int64_t pnet_dots_entry(void) { return 0; }

#endif
