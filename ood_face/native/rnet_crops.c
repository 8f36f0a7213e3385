/* The R-Net on crops of 24 x 24 pixels, in bfloat16: a first look, see ood_face/detection/crop_rnet.py.
 * Up to 16 crops go together: each by itself through the convolutions, which stay in the first
 * caches, and all at once through the last two layers.
 */

#include "matrix.h"
#include "rnet.h"

#ifdef WITH_MATRICES

#include <string.h>

enum {
    PAIRS = SIDE / 2,  /* of rows */
    POSITIONS1 = 272,  /* SIDE1 / 2 * SIDE, in whole matrices */
    POSITIONS2 = 128,  /* SIDE2 * POOLED1, in two whole matrices at once */
    STEPS2 = 9, STEPS3 = 6, STEPS4 = FLAT / 32, STEPS5 = CHANNELS4 / 32,
    SPARE = 64         /* positions that are looked at behind the last */
};

typedef struct {
    filters first[4][2], second[STEPS2][3], third[STEPS3][4], fourth[STEPS4][8], fifth[STEPS5];
    float bias1[CHANNELS1], slopes1[CHANNELS1], bias2[CHANNELS2], slopes2[CHANNELS2];
    float bias3[CHANNELS3], slopes3[CHANNELS3], bias4[CHANNELS4], slopes4[CHANNELS4];
    float bias5[LANES];
} rnet;

/* what lies between the layers; it begins as zeros, so that all of it is numbers */
typedef struct {
    bf16 pixels[(PAIRS * SIDE + SPARE) * PIXEL];
    bf16 first[2][POSITIONS1][CHANNELS1]; /* rows 0, 2, 4 ... and 1, 3, 5 ..., in order */
    bf16 pooled1[POOLED1 * POOLED1 + SPARE][CHANNELS1];
    bf16 second[POSITIONS2][CHANNELS2 + 16]; /* the last 16 are nothing */
    bf16 pooled2[POOLED2 * POOLED2 + SPARE][CHANNELS2];
    bf16 flat[ROWS][FLAT];
    bf16 fourth[ROWS][CHANNELS4];
} between;

MATRIX static void first_layer(const rnet *net, between *room)
{
    float sums[4][ROWS][LANES] = {{{0}}};
    int64_t behind = 0;
    for (int64_t from = 0; from < POSITIONS1; from += ROWS) {
        const bf16 *at = room->pixels + PIXEL * from;
        _tile_loadd(0, net->bias1, 0);
        _tile_loadd(1, net->bias1 + LANES, 0);
        _tile_loadd(2, net->bias1, 0);
        _tile_loadd(3, net->bias1 + LANES, 0);
        _tile_loadd(4, at, 2 * PIXEL);
        _tile_loadd(5, at + PIXEL * SIDE, 2 * PIXEL);
        for (int half = 0; half < 2; half++) {
            _tile_loadd(6, net->first[0][half], ROW_BYTES);
            _tile_loadd(7, net->first[1][half], ROW_BYTES);
            if (half) {
                _tile_dpbf16ps(1, 4, 6);
                _tile_dpbf16ps(3, 4, 7);
            } else {
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(2, 4, 7);
            }
            _tile_loadd(6, net->first[2][half], ROW_BYTES);
            _tile_loadd(7, net->first[3][half], ROW_BYTES);
            if (half) {
                _tile_dpbf16ps(1, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            } else {
                _tile_dpbf16ps(0, 5, 6);
                _tile_dpbf16ps(2, 5, 7);
            }
        }
        write_pair(sums[0], sums[1], net->slopes1, room->first[0][behind], CHANNELS1);
        write_pair(sums[2], sums[3], net->slopes1, room->first[1][behind], CHANNELS1);
        behind = from;
        _tile_stored(0, sums[0], ROW_BYTES);
        _tile_stored(1, sums[1], ROW_BYTES);
        _tile_stored(2, sums[2], ROW_BYTES);
        _tile_stored(3, sums[3], ROW_BYTES);
    }
    write_pair(sums[0], sums[1], net->slopes1, room->first[0][behind], CHANNELS1);
    write_pair(sums[2], sums[3], net->slopes1, room->first[1][behind], CHANNELS1);
}

/* The largest of 3 x 3, every second one; beyond the last row and column there is nothing. */
MATRIX static void first_pooling(between *room)
{
    __m512i tall[SIDE];
    for (int row = 0; row < POOLED1; row++) {
        const int below = row < POOLED1 - 1 ? (row + 1) * SIDE : row * SIDE;
        for (int col = 0; col < SIDE1; col++) {
            const __m512i two =
                _mm512_max_epi16(_mm512_loadu_si512(room->first[0][row * SIDE + col]),
                                 _mm512_loadu_si512(room->first[1][row * SIDE + col]));
            tall[col] = _mm512_max_epi16(two, _mm512_loadu_si512(room->first[0][below + col]));
        }
        tall[SIDE1] = tall[SIDE1 - 1];
        for (int col = 0; col < POOLED1; col++) {
            const __m512i two = _mm512_max_epi16(tall[2 * col], tall[2 * col + 1]);
            _mm512_storeu_si512(room->pooled1[row * POOLED1 + col],
                                ordered(_mm512_max_epi16(two, tall[2 * col + 2])));
        }
    }
}

INLINE_MATRIX void write_second(float (*sums)[ROWS][LANES], const rnet *net, between *room,
                                int64_t from)
{
    for (int part = 0; part < 2; part++) {
        bf16 *out = room->second[from + part * ROWS];
        write_pair(sums[3 * part], sums[3 * part + 1], net->slopes2, out, CHANNELS2 + 16);
        const __m512 slopes = _mm512_loadu_ps(net->slopes2 + 2 * LANES);
        for (int i = 0; i < ROWS; i++) {
            const __m512 value = bent(_mm512_loadu_ps(sums[3 * part + 2][i]), slopes);
            const __m512i bits = _mm512_zextsi256_si512((__m256i)_mm512_cvtneps_pbh(value));
            _mm512_storeu_si512(out + (CHANNELS2 + 16) * i + 32, ordered(bits));
        }
    }
}

MATRIX static void second_layer(const rnet *net, between *room)
{
    float sums[6][ROWS][LANES] = {{{0}}};
    int64_t behind = 0;
    for (int64_t from = 0; from < POSITIONS2; from += 2 * ROWS) {
        _tile_loadd(0, net->bias2, 0);
        _tile_loadd(1, net->bias2 + LANES, 0);
        _tile_loadd(2, net->bias2 + 2 * LANES, 0);
        _tile_loadd(3, net->bias2, 0);
        _tile_loadd(4, net->bias2 + LANES, 0);
        _tile_loadd(5, net->bias2 + 2 * LANES, 0);
        for (int step = 0; step < STEPS2; step++) {
            const bf16 *at = room->pooled1[from + step / 3 * POOLED1 + step % 3];
            _tile_loadd(6, at, 2 * CHANNELS1);
            _tile_loadd(7, net->second[step][0], ROW_BYTES);
            _tile_dpbf16ps(0, 6, 7);
            _tile_loadd(7, net->second[step][1], ROW_BYTES);
            _tile_dpbf16ps(1, 6, 7);
            _tile_loadd(7, net->second[step][2], ROW_BYTES);
            _tile_dpbf16ps(2, 6, 7);
            _tile_loadd(6, at + ROWS * CHANNELS1, 2 * CHANNELS1);
            _tile_dpbf16ps(5, 6, 7);
            _tile_loadd(7, net->second[step][1], ROW_BYTES);
            _tile_dpbf16ps(4, 6, 7);
            _tile_loadd(7, net->second[step][0], ROW_BYTES);
            _tile_dpbf16ps(3, 6, 7);
        }
        write_second(sums, net, room, behind);
        behind = from;
        _tile_stored(0, sums[0], ROW_BYTES);
        _tile_stored(1, sums[1], ROW_BYTES);
        _tile_stored(2, sums[2], ROW_BYTES);
        _tile_stored(3, sums[3], ROW_BYTES);
        _tile_stored(4, sums[4], ROW_BYTES);
        _tile_stored(5, sums[5], ROW_BYTES);
    }
    write_second(sums, net, room, behind);
}

MATRIX static void second_pooling(between *room)
{
    for (int row = 0; row < POOLED2; row++)
        for (int col = 0; col < POOLED2; col++) {
            const bf16(*at)[CHANNELS2 + 16] = room->second + 2 * (row * POOLED1 + col);
            __m512i low = _mm512_loadu_si512(at[0]), high = _mm512_loadu_si512(at[0] + 32);
            for (int tap = 1; tap < 9; tap++) {
                const bf16 *other = at[tap / 3 * POOLED1 + tap % 3];
                low = _mm512_max_epi16(low, _mm512_loadu_si512(other));
                high = _mm512_max_epi16(high, _mm512_loadu_si512(other + 32));
            }
            bf16 *out = room->pooled2[row * POOLED2 + col];
            _mm512_storeu_si512(out, ordered(low));
            _mm512_mask_storeu_epi16(out + 32, 0xffff, ordered(high));
        }
}

MATRIX static void third_layer(const rnet *net, between *room, bf16 *flat)
{
    float sums[4][ROWS][LANES];
    _tile_loadd(0, net->bias3, 0);
    _tile_loadd(1, net->bias3 + LANES, 0);
    _tile_loadd(2, net->bias3 + 2 * LANES, 0);
    _tile_loadd(3, net->bias3 + 3 * LANES, 0);
    for (int step = 0; step < STEPS3; step++) {
        /* two cells of 48 numbers are three steps */
        const bf16 *at = room->pooled2[step / 3 * POOLED2] + step % 3 * 32;
        _tile_loadd(4, at, 2 * CHANNELS2);
        _tile_loadd(5, net->third[step][0], ROW_BYTES);
        _tile_dpbf16ps(0, 4, 5);
        _tile_loadd(6, net->third[step][1], ROW_BYTES);
        _tile_dpbf16ps(1, 4, 6);
        _tile_loadd(7, net->third[step][2], ROW_BYTES);
        _tile_dpbf16ps(2, 4, 7);
        _tile_loadd(5, net->third[step][3], ROW_BYTES);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_stored(0, sums[0], ROW_BYTES);
    _tile_stored(1, sums[1], ROW_BYTES);
    _tile_stored(2, sums[2], ROW_BYTES);
    _tile_stored(3, sums[3], ROW_BYTES);
    for (int some = 0; some < 4; some++) {
        const __m512 slopes = _mm512_loadu_ps(net->slopes3 + some * LANES);
        for (int i = 0; i < SIDE3 * SIDE3; i++) {
            const __m512 value = _mm512_loadu_ps(sums[some][i / SIDE3 * POOLED2 + i % SIDE3]);
            put(flat + i * CHANNELS3 + some * LANES, bent(value, slopes));
        }
    }
}

MATRIX static void fourth_layer(const rnet *net, between *room)
{
    float sums[4][ROWS][LANES];
    for (int some = 0; some < 8; some += 4) {
        const float *bias = net->bias4 + some * LANES;
        _tile_loadd(0, bias, 0);
        _tile_loadd(1, bias + LANES, 0);
        _tile_loadd(2, bias + 2 * LANES, 0);
        _tile_loadd(3, bias + 3 * LANES, 0);
        for (int step = 0; step < STEPS4; step++) {
            _tile_loadd(4, room->flat[0] + 32 * step, 2 * FLAT);
            _tile_loadd(5, net->fourth[step][some], ROW_BYTES);
            _tile_dpbf16ps(0, 4, 5);
            _tile_loadd(6, net->fourth[step][some + 1], ROW_BYTES);
            _tile_dpbf16ps(1, 4, 6);
            _tile_loadd(7, net->fourth[step][some + 2], ROW_BYTES);
            _tile_dpbf16ps(2, 4, 7);
            _tile_loadd(5, net->fourth[step][some + 3], ROW_BYTES);
            _tile_dpbf16ps(3, 4, 5);
        }
        _tile_stored(0, sums[0], ROW_BYTES);
        _tile_stored(1, sums[1], ROW_BYTES);
        _tile_stored(2, sums[2], ROW_BYTES);
        _tile_stored(3, sums[3], ROW_BYTES);
        for (int part = 0; part < 4; part++) {
            const __m512 slopes = _mm512_loadu_ps(net->slopes4 + (some + part) * LANES);
            for (int i = 0; i < ROWS; i++)
                put(room->fourth[i] + (some + part) * LANES,
                    bent(_mm512_loadu_ps(sums[part][i]), slopes));
        }
    }
}

MATRIX static void fifth_layer(const rnet *net, between *room, int64_t count, float *answers)
{
    float sums[ROWS][LANES];
    _tile_loadd(0, net->bias5, 0);
    for (int step = 0; step < STEPS5; step++) {
        _tile_loadd(4, room->fourth[0] + 32 * step, 2 * CHANNELS4);
        _tile_loadd(5, net->fifth[step], ROW_BYTES);
        _tile_dpbf16ps(0, 4, 5);
    }
    _tile_stored(0, sums, ROW_BYTES);
    for (int64_t i = 0; i < count; i++)
        memcpy(answers + ANSWERS * i, sums[i], ANSWERS * sizeof(float));
}

int64_t rnet_crops_room(void) { return sizeof(between); }

MATRIX static int run(const void *network, void *stream, int steps, const void *given)
{
    (void)stream, (void)steps; /* loops_see runs it as it runs a library's primitive */
    const rnet *net = network;
    const job *wanted = given;
    between *room = (between *)wanted->room;
    memset(room, 0, sizeof *room);
    matrix_begin();
    for (int64_t from = 0; from < wanted->size; from += ROWS) {
        const int64_t rest = wanted->size - from, some = rest < ROWS ? rest : ROWS;
        for (int64_t i = 0; i < some; i++) {
            pack(wanted->pixels + (from + i) * SIDE * SIDE * 3, SIDE, room->pixels);
            first_layer(net, room);
            first_pooling(room);
            second_layer(net, room);
            second_pooling(room);
            third_layer(net, room, room->flat[i]);
        }
        fourth_layer(net, room);
        fifth_layer(net, room, some, wanted->answers + ANSWERS * from);
    }
    _tile_release();
    return 0;
}

/* Return an execute_function; its primitive is an rnet, what it is given a job. */
int64_t rnet_crops_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

#else

int64_t rnet_crops_room(void) { return 0; }
int64_t rnet_crops_entry(void) { return 0; }
#endif
