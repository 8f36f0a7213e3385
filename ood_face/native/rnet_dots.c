/* The R-Net on crops of 24 x 24 pixels, in integers: a first look, as rnet_crops.c takes it, where
 * there is no matrix unit. The second and the third convolution are of 8 bits, what lies before and
 * behind them of 16. See ood_face/detection/rnet_dots.py.
 */

#include "dots.h"
#include "rnet.h"

#ifdef WITH_DOTS

#include <string.h>

enum {
    PIXELS = SIDE * SIDE,
    TAPS1 = 15, TAPS2 = 9 * 7, TAPS3 = 4 * 12, TAPS4 = FLAT / PAIRS,
    TOGETHER = 3 /* crops */
};

/* Of each layer the weights, tap by tap and all filters of a tap together, where a tap is, in
 * 32-bit numbers, and what makes of the sums what comes next. */
typedef struct {
    int32_t first[TAPS1][CHANNELS1], second[TAPS2][CHANNELS2], third[TAPS3][CHANNELS3];
    int32_t fourth[TAPS4][CHANNELS4];
    float fifth[CHANNELS4][LANES], bias5[LANES];
    float scale1[CHANNELS1], bias1[CHANNELS1], slopes1[CHANNELS1];
    float scale2[CHANNELS2], bias2[CHANNELS2], slopes2[CHANNELS2];
    float scale3[CHANNELS3], bias3[CHANNELS3], slopes3[CHANNELS3];
    float scale4[CHANNELS4], bias4[CHANNELS4], slopes4[CHANNELS4];
    /* zero, in the order in which registers of 32 bits are packed into one of 16 */
    int16_t zero1[CHANNELS1], zero2[2 * CHANNELS1];
    int32_t where1[TAPS1], where2[TAPS2], where3[TAPS3], where4[TAPS4];
} rnet;

/* what lies between the layers; 16 bits before a pooling, 8 behind it */
typedef struct {
    int32_t pixels[2][PIXELS]; /* red and green; blue and the blue below */
    int16_t first[SIDE1][SIDE1][CHANNELS1];
    uint8_t pooled1[POOLED1 * POOLED1][CHANNELS1];
    int16_t second[SIDE2][SIDE2][2][CHANNELS1]; /* the last 16 twice */
    uint8_t pooled2[POOLED2 * POOLED2][CHANNELS2];
    int16_t flat[TOGETHER][FLAT];
} between;

DOTS static void pack(const float *pixels, int32_t (*out)[PIXELS])
{
    int32_t blue[PIXELS + SIDE];
    memset(blue + PIXELS, 0, SIDE * sizeof *blue);
    for (int at = 0; at < PIXELS; at += LANES) {
        __m512i of[3];
        colours(pixels + 3 * at, ~(__mmask64)0, of);
        _mm512_storeu_si512(out[0] + at, beside(of[0], of[1]));
        _mm512_storeu_si512(blue + at, of[2]);
    }
    for (int at = 0; at < PIXELS; at += LANES)
        _mm512_storeu_si512(out[1] + at, beside(_mm512_loadu_si512(blue + at),
                                                _mm512_loadu_si512(blue + at + SIDE)));
}

/* Sums for `registers` of filters at `positions`, `step` 32-bit numbers apart.
 * width: filters of the layer; the weights are those of the first one wanted. */
INLINE_DOTS void convolved(const int32_t *at, int step, const int32_t *where, int taps,
                           const int32_t *weights, int width, int positions, int registers,
                           int kind, __m512i *sums)
{
#pragma GCC unroll 32
    for (int i = 0; i < positions * registers; i++)
        sums[i] = _mm512_setzero_si512();
    for (int tap = 0; tap < taps; tap++, weights += width) {
        const int32_t *here = at + where[tap];
        __m512i weight[8];
#pragma GCC unroll 8
        for (int j = 0; j < registers; j++)
            weight[j] = _mm512_loadu_si512(weights + j * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < positions; i++) {
            const __m512i given = _mm512_set1_epi32(here[i * step]);
#pragma GCC unroll 8
            for (int j = 0; j < registers; j++)
                sums[i * registers + j] = added(sums[i * registers + j], given, weight[j], kind);
        }
    }
}

/* PReLU, in the units of what comes next. */
INLINE_DOTS __m512i finished(__m512i sum, const float *scale, const float *bias,
                             const float *slopes)
{
    const __m512 value = scaled(sum, _mm512_loadu_ps(scale), _mm512_loadu_ps(bias));
    const __mmask16 below = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ);
    return _mm512_cvtps_epi32(
        _mm512_mask_mul_ps(value, below, value, _mm512_loadu_ps(slopes)));
}

DOTS static void first_layer(const rnet *net, between *room)
{
    enum { SOME = SIDE1 / 2 };
    for (int at = 0; at < SIDE1 * SIDE1; at += SOME) {
        const int row = at / SIDE1, col = at % SIDE1;
        __m512i sums[2 * SOME];
        convolved(room->pixels[0] + row * SIDE + col, 1, net->where1, TAPS1, net->first[0],
                  CHANNELS1, SOME, 2, PAIRS, sums);
#pragma GCC unroll 11
        for (int i = 0; i < SOME; i++) {
            const __m512i low = finished(sums[2 * i], net->scale1, net->bias1, net->slopes1);
            const __m512i high = finished(sums[2 * i + 1], net->scale1 + LANES,
                                          net->bias1 + LANES, net->slopes1 + LANES);
            _mm512_storeu_si512(room->first[row][col + i], _mm512_packs_epi32(low, high));
        }
    }
}

/* As bytes, which count from the lowest number on. */
INLINE_DOTS __m256i bytes(__m512i value, const int16_t *zero)
{
    const __m512i moved = _mm512_adds_epi16(value, _mm512_loadu_si512(zero));
    return _mm512_cvtusepi16_epi8(_mm512_max_epi16(moved, _mm512_setzero_si512()));
}

/* The largest of 3 x 3, every second one; beyond the last row and column there is nothing. */
DOTS static void first_pooling(const rnet *net, between *room)
{
    __m512i tall[SIDE];
    for (int row = 0; row < POOLED1; row++) {
        const int below = row < POOLED1 - 1 ? 2 * row + 2 : 2 * row;
        for (int col = 0; col < SIDE1; col++) {
            const __m512i two = _mm512_max_epi16(_mm512_loadu_si512(room->first[2 * row][col]),
                                                 _mm512_loadu_si512(room->first[2 * row + 1][col]));
            tall[col] = _mm512_max_epi16(two, _mm512_loadu_si512(room->first[below][col]));
        }
        tall[SIDE1] = tall[SIDE1 - 1];
        for (int col = 0; col < POOLED1; col++) {
            const __m512i two = _mm512_max_epi16(tall[2 * col], tall[2 * col + 1]);
            _mm256_storeu_si256((__m256i *)room->pooled1[row * POOLED1 + col],
                                bytes(_mm512_max_epi16(two, tall[2 * col + 2]), net->zero1));
        }
    }
}

DOTS static void second_layer(const rnet *net, between *room)
{
    for (int row = 0; row < SIDE2; row++) {
        __m512i sums[3 * SIDE2];
        convolved((const int32_t *)room->pooled1[row * POOLED1], CHANNELS1 / QUADS, net->where2,
                  TAPS2, net->second[0], CHANNELS2, SIDE2, 3, QUADS, sums);
#pragma GCC unroll 9
        for (int i = 0; i < SIDE2; i++) {
#pragma GCC unroll 3
            for (int j = 0; j < 3; j++)
                sums[3 * i + j] =
                    finished(sums[3 * i + j], net->scale2 + j * LANES, net->bias2 + j * LANES,
                             net->slopes2 + j * LANES);
            _mm512_storeu_si512(room->second[row][i][0],
                                _mm512_packs_epi32(sums[3 * i], sums[3 * i + 1]));
            _mm512_storeu_si512(room->second[row][i][1],
                                _mm512_packs_epi32(sums[3 * i + 2], sums[3 * i + 2]));
        }
    }
}

DOTS static void second_pooling(const rnet *net, between *room)
{
    /* of the last 16, which are there twice, one half */
    const __m256i once = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    for (int at = 0; at < POOLED2 * POOLED2; at++) {
        const int row = at / POOLED2 * 2, col = at % POOLED2 * 2;
        __m512i low = _mm512_loadu_si512(room->second[row][col][0]);
        __m512i high = _mm512_loadu_si512(room->second[row][col][1]);
        for (int tap = 1; tap < 9; tap++) {
            const int16_t(*other)[CHANNELS1] = room->second[row + tap / 3][col + tap % 3];
            low = _mm512_max_epi16(low, _mm512_loadu_si512(other[0]));
            high = _mm512_max_epi16(high, _mm512_loadu_si512(other[1]));
        }
        const __m256i last = bytes(high, net->zero2 + CHANNELS1);
        _mm256_storeu_si256((__m256i *)room->pooled2[at], bytes(low, net->zero2));
        _mm_storeu_si128((__m128i *)(room->pooled2[at] + CHANNELS1),
                         _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(last, once)));
    }
}

DOTS static void third_layer(const rnet *net, between *room, int16_t *flat)
{
    for (int some = 0; some < CHANNELS3; some += 2 * LANES)
        for (int row = 0; row < SIDE3; row++) {
            __m512i sums[2 * SIDE3];
            convolved((const int32_t *)room->pooled2[row * POOLED2], CHANNELS2 / QUADS,
                      net->where3, TAPS3, net->third[0] + some, CHANNELS3, SIDE3, 2, QUADS, sums);
#pragma GCC unroll 6
            for (int i = 0; i < 2 * SIDE3; i++) {
                const int from = some + i % 2 * LANES;
                const __m512i value = finished(sums[i], net->scale3 + from, net->bias3 + from,
                                               net->slopes3 + from);
                _mm256_storeu_si256((__m256i *)(flat + (row * SIDE3 + i / 2) * CHANNELS3 + from),
                                    _mm512_cvtsepi32_epi16(value));
            }
        }
}

/* The last two layers, of some crops together. */
DOTS static void decide(const rnet *net, const between *room, int count, float *answers)
{
    enum { VECTORS = CHANNELS4 / LANES };
    __m512i sums[TOGETHER * VECTORS];
    float joined[CHANNELS4];
    convolved((const int32_t *)room->flat[0], TAPS4, net->where4, TAPS4, net->fourth[0], CHANNELS4,
              TOGETHER, VECTORS, PAIRS, sums);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < VECTORS; j++) {
            const int from = j * LANES;
            const __m512 value =
                scaled(sums[i * VECTORS + j], _mm512_loadu_ps(net->scale4 + from),
                       _mm512_loadu_ps(net->bias4 + from));
            _mm512_storeu_ps(joined + from, bent(value, _mm512_loadu_ps(net->slopes4 + from)));
        }
        __m512 said[4] = {_mm512_loadu_ps(net->bias5), _mm512_setzero_ps(), _mm512_setzero_ps(),
                          _mm512_setzero_ps()};
        for (int tap = 0; tap < CHANNELS4; tap += 4)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
                said[j] = _mm512_fmadd_ps(_mm512_set1_ps(joined[tap + j]),
                                          _mm512_loadu_ps(net->fifth[tap + j]), said[j]);
        _mm512_mask_storeu_ps(answers + ANSWERS * i, (1 << ANSWERS) - 1,
                              _mm512_add_ps(_mm512_add_ps(said[0], said[1]),
                                            _mm512_add_ps(said[2], said[3])));
    }
}

/* loops_see runs it as it runs a library's primitive. */
DOTS static int run(const void *network, void *stream, int steps, const void *given)
{
    (void)stream, (void)steps;
    const rnet *net = network;
    const job *wanted = given;
    between *room = (between *)wanted->room;
    memset(room->flat, 0, sizeof room->flat);
    for (int64_t from = 0; from < wanted->size; from += TOGETHER) {
        const int64_t rest = wanted->size - from;
        const int count = rest < TOGETHER ? (int)rest : TOGETHER;
        for (int i = 0; i < count; i++) {
            pack(wanted->pixels + (from + i) * PIXELS * 3, room->pixels);
            first_layer(net, room);
            first_pooling(net, room);
            second_layer(net, room);
            second_pooling(net, room);
            third_layer(net, room, room->flat[i]);
        }
        decide(net, room, count, wanted->answers + ANSWERS * from);
    }
    return 0;
}

/* Return an execute_function; its primitive is an rnet, what it is given a job. */
int64_t rnet_dots_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

int64_t rnet_dots_room(void) { return sizeof(between); }

#else

int64_t rnet_dots_entry(void) { return 0; }
int64_t rnet_dots_room(void) { return 0; }

#endif
