/* The P-Net on a strip of the pyramid, in integers: a first look, as pnet_tiles.c takes it, where
 * there is no matrix unit. The first two layers are of 16 bits, the third one, with two thirds of
 * the products, of 8. See ood_face/detection/pnet_dots.py.
 *
 * Some rows go through all layers, then the next ones, so that they stay in the caches.
 */

#include "pnet_room.h"

#ifdef WITH_DOTS

#include <string.h>

enum {
    BELOW = 2, /* rows that a convolution of three takes away */
    TAKEN = 2 * BELOW,
    CHANNELS3 = 32,
    SOME1 = 5,            /* filters at once: at four pixels; */
    SOME = 8, AT_ONCE = 3, /* at so many registers of positions */
    STEP = AT_ONCE * LANES,
    BAND = 4              /* rows that go from layer to layer together */
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

/* Some filters of the first layer; inlined, gcc 12 keeps more than there are registers for. */
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

/* What one filter says at 16 positions, before its PReLU. */
INLINE_DOTS __m512 said(__m512i sums, float scale, float bias)
{
    return scaled(sums, _mm512_set1_ps(scale), _mm512_set1_ps(bias));
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
                const __m512 value = said(sums[i], net->scale2[filter], net->bias2[filter]);
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
                const __m512 value = said(sums[i], net->scale3[filter], net->bias3[filter]);
                const __mmask16 below =
                    _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ);
                const __m512 weight =
                    _mm512_mask_blend_ps(below, _mm512_set1_ps(net->over4[filter]),
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
