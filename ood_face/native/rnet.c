/* The R-Net on crops of 24 x 24 pixels, in float32: it decides where the first look (rnet_crops.c)
 * may be wrong, see ood_face/detection/exact_rnet.py. Each crop by itself through the convolutions,
 * which stay in the first caches, then some together through the layers with the many weights.
 */

#include "registers.h"
#include "rnet.h"

#ifdef WITH_REGISTERS

enum {
    COLOURS = 3, GIVEN2 = 28,
    TAPS1 = 3 * 3 * COLOURS, TAPS2 = 3 * 3 * GIVEN2, TAPS3 = 2 * 2 * CHANNELS2,
    TOGETHER = 3 /* crops */
};

/* Each layer: weights, tap by tap and all filters of a tap together; bias; slopes of the PReLU. */
typedef struct {
    float weights1[TAPS1][CHANNELS1], bias1[CHANNELS1], slopes1[CHANNELS1];
    float weights2[TAPS2][CHANNELS2], bias2[CHANNELS2], slopes2[CHANNELS2];
    float weights3[TAPS3][CHANNELS3], bias3[CHANNELS3], slopes3[CHANNELS3];
    float weights4[FLAT][CHANNELS4], bias4[CHANNELS4], slopes4[CHANNELS4];
    float weights5[CHANNELS4][LANES], bias5[LANES];
} rnet;

/* A row of positions of a convolution, PReLU included.
 * at: the first position's first number; row, cell: numbers from a row, a cell to the next;
 * taps: numbers of a cell that are looked at; vectors: registers of filters. */
INLINE_FAST void convolved(const float *at, int row, int cell, int kernel, int taps,
                           const float *weights, const float *bias, const float *slopes,
                           int positions, int vectors, float *out)
{
    __m512 sums[27];
    const int filters = vectors * LANES;
#pragma GCC unroll 27
    for (int i = 0; i < positions * vectors; i++)
        sums[i] = _mm512_loadu_ps(bias + i % vectors * LANES);
    for (int down = 0; down < kernel; down++)
        for (int tap = 0; tap < kernel * cell; tap++) {
            if (tap % cell >= taps)
                continue;
            const float *here = at + down * row + tap;
            __m512 weight[4];
#pragma GCC unroll 4
            for (int i = 0; i < vectors; i++)
                weight[i] = _mm512_loadu_ps(weights + i * LANES);
#pragma GCC unroll 11
            for (int i = 0; i < positions; i++) {
                const __m512 value = _mm512_set1_ps(here[i * cell]);
#pragma GCC unroll 4
                for (int j = 0; j < vectors; j++)
                    sums[i * vectors + j] = _mm512_fmadd_ps(value, weight[j], sums[i * vectors + j]);
            }
            weights += filters;
        }
#pragma GCC unroll 27
    for (int i = 0; i < positions * vectors; i++)
        _mm512_storeu_ps(out + i * LANES,
                         bent(sums[i], _mm512_loadu_ps(slopes + i % vectors * LANES)));
}

/* The largest of 3 x 3 cells, every second one; beyond the edge there is nothing. */
INLINE_FAST void pooled(const float *cells, int side, int channels, int wanted, float *out)
{
    for (int row = 0; row < wanted; row++)
        for (int col = 0; col < wanted; col++)
            for (int part = 0; part < channels; part += LANES) {
                __m512 most = _mm512_set1_ps(-3.4e38f);
                for (int y = 2 * row; y < 2 * row + 3 && y < side; y++)
                    for (int x = 2 * col; x < 2 * col + 3 && x < side; x++)
                        most = _mm512_max_ps(
                            most, _mm512_loadu_ps(cells + (y * side + x) * channels + part));
                _mm512_storeu_ps(out + (row * wanted + col) * channels + part, most);
            }
}

FAST static void flatten(const rnet *net, const float *pixels, float flat[FLAT])
{
    float first[SIDE1 * SIDE1][CHANNELS1], cells1[POOLED1 * POOLED1][CHANNELS1];
    float second[SIDE2 * SIDE2][CHANNELS2], cells2[POOLED2 * POOLED2][CHANNELS2];
    for (int row = 0; row < SIDE1; row++)
        for (int col = 0; col < SIDE1; col += SIDE1 / 2)
            convolved(pixels + (row * SIDE + col) * COLOURS, SIDE * COLOURS, COLOURS, 3, COLOURS,
                      net->weights1[0], net->bias1, net->slopes1, SIDE1 / 2, 2,
                      first[row * SIDE1 + col]);
    pooled(first[0], SIDE1, CHANNELS1, POOLED1, cells1[0]);
    for (int row = 0; row < SIDE2; row++)
        convolved(cells1[row * POOLED1], POOLED1 * CHANNELS1, CHANNELS1, 3, GIVEN2,
                  net->weights2[0], net->bias2, net->slopes2, SIDE2, 3, second[row * SIDE2]);
    pooled(second[0], SIDE2, CHANNELS2, POOLED2, cells2[0]);
    for (int row = 0; row < SIDE3; row++)
        convolved(cells2[row * POOLED2], POOLED2 * CHANNELS2, CHANNELS2, 2, CHANNELS2,
                  net->weights3[0], net->bias3, net->slopes3, SIDE3, 4,
                  flat + row * SIDE3 * CHANNELS3);
}

/* The last two layers. */
FAST static void decide(const rnet *net, float (*flat)[FLAT], int count, float *answers)
{
    enum { VECTORS = CHANNELS4 / LANES };
    __m512 sums[TOGETHER][VECTORS];
    float joined[TOGETHER][CHANNELS4];
#pragma GCC unroll 3
    for (int i = 0; i < TOGETHER; i++)
#pragma GCC unroll 8
        for (int j = 0; j < VECTORS; j++)
            sums[i][j] = _mm512_loadu_ps(net->bias4 + j * LANES);
    for (int tap = 0; tap < FLAT; tap++)
#pragma GCC unroll 8
        for (int j = 0; j < VECTORS; j++) {
            const __m512 weight = _mm512_loadu_ps(net->weights4[tap] + j * LANES);
#pragma GCC unroll 3
            for (int i = 0; i < TOGETHER; i++)
                sums[i][j] = _mm512_fmadd_ps(_mm512_set1_ps(flat[i][tap]), weight, sums[i][j]);
        }
#pragma GCC unroll 3
    for (int i = 0; i < TOGETHER; i++)
#pragma GCC unroll 8
        for (int j = 0; j < VECTORS; j++)
            _mm512_storeu_ps(joined[i] + j * LANES,
                             bent(sums[i][j], _mm512_loadu_ps(net->slopes4 + j * LANES)));
    for (int i = 0; i < count; i++) {
        __m512 said = _mm512_loadu_ps(net->bias5), more = _mm512_setzero_ps();
        for (int tap = 0; tap < CHANNELS4; tap += 2) {
            said = _mm512_fmadd_ps(_mm512_set1_ps(joined[i][tap]),
                                   _mm512_loadu_ps(net->weights5[tap]), said);
            more = _mm512_fmadd_ps(_mm512_set1_ps(joined[i][tap + 1]),
                                   _mm512_loadu_ps(net->weights5[tap + 1]), more);
        }
        _mm512_mask_storeu_ps(answers + ANSWERS * i, (1 << ANSWERS) - 1,
                              _mm512_add_ps(said, more));
    }
}

/* loops_see runs it as it runs a library's primitive. */
FAST static int run(const void *network, void *stream, int steps, const void *given)
{
    (void)stream, (void)steps;
    const job *wanted = given;
    float flat[TOGETHER][FLAT] = {{0}};
    for (int64_t from = 0; from < wanted->size; from += TOGETHER) {
        const int64_t rest = wanted->size - from;
        const int count = rest < TOGETHER ? (int)rest : TOGETHER;
        for (int i = 0; i < count; i++)
            flatten(network, wanted->pixels + (from + i) * SIDE * SIDE * COLOURS, flat[i]);
        decide(network, flat, count, wanted->answers + ANSWERS * from);
    }
    return 0;
}

/* Return an execute_function; its primitive is an rnet, what it is given a job. */
int64_t rnet_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

#else

int64_t rnet_entry(void) { return 0; }

#endif
