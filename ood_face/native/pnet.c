/* The P-Net on single windows of 12 x 12 pixels, in float32: ood_face/detection/windows.py says
 * what for. A library's convolutions pay for each window's four layers with more than the arithmetic:
 * here a window stays in the registers and the first cache from the first layer to the last.
 */

#include "registers.h"

#ifdef WITH_REGISTERS

enum {
    SIDE = 12,  /* pixels of a window */
    ROW = 36,   /* numbers in one of its rows */
    TAPS1 = 27, /* 3 x 3 pixels, 3 colours */
    TAPS_ROW1 = 9,
    CELLS = 5, /* of a side, after the pooling */
    CHANNELS1 = 10,
    SIDE2 = 3, /* after the second convolution */
    TAPS2 = 90,
    TAPS3 = 144,
    NUMBERS = 5
};

/* Each layer: weights, tap by tap and all filters of a tap together, padded with zeros to LANES;
 * bias; slopes of the PReLU. */
typedef struct {
    float weights1[TAPS1][LANES], bias1[LANES], slopes1[LANES];
    float weights2[TAPS2][LANES], bias2[LANES], slopes2[LANES];
    float weights3[TAPS3][2 * LANES], bias3[2 * LANES], slopes3[2 * LANES];
    float weights4[2 * LANES][LANES], bias4[LANES];
} pnet;

/* First convolution, PReLU, and the largest of 2 x 2: one row of cells. */
INLINE_FAST void first_layer(const pnet *net, const float *pixels, float cells[CELLS][LANES])
{
    __m512 sums[4 * CELLS];
    const __m512 bias = _mm512_loadu_ps(net->bias1), slopes = _mm512_loadu_ps(net->slopes1);
#pragma GCC unroll 20
    for (int i = 0; i < 4 * CELLS; i++)
        sums[i] = bias;
    for (int tap = 0; tap < TAPS1; tap++) {
        const __m512 weight = _mm512_loadu_ps(net->weights1[tap]);
        const float *at = pixels + tap / TAPS_ROW1 * ROW + tap % TAPS_ROW1;
#pragma GCC unroll 10
        for (int col = 0; col < 2 * CELLS; col++) {
            sums[2 * col] = _mm512_fmadd_ps(_mm512_set1_ps(at[3 * col]), weight, sums[2 * col]);
            sums[2 * col + 1] =
                _mm512_fmadd_ps(_mm512_set1_ps(at[3 * col + ROW]), weight, sums[2 * col + 1]);
        }
    }
#pragma GCC unroll 5
    for (int cell = 0; cell < CELLS; cell++) {
        const __m512 left =
            _mm512_max_ps(bent(sums[4 * cell], slopes), bent(sums[4 * cell + 1], slopes));
        const __m512 right =
            _mm512_max_ps(bent(sums[4 * cell + 2], slopes), bent(sums[4 * cell + 3], slopes));
        _mm512_storeu_ps(cells[cell], _mm512_max_ps(left, right));
    }
}

INLINE_FAST void second_layer(const pnet *net, float (*cells)[LANES],
                              float values[SIDE2 * SIDE2][LANES])
{
    __m512 sums[SIDE2 * SIDE2];
    const __m512 bias = _mm512_loadu_ps(net->bias2), slopes = _mm512_loadu_ps(net->slopes2);
#pragma GCC unroll 9
    for (int i = 0; i < SIDE2 * SIDE2; i++)
        sums[i] = bias;
    for (int tap = 0; tap < TAPS2; tap++) {
        const __m512 weight = _mm512_loadu_ps(net->weights2[tap]);
        const int place = tap / CHANNELS1, down = place / 3, across = place % 3;
        const float *at = cells[down * CELLS + across] + tap % CHANNELS1;
#pragma GCC unroll 9
        for (int i = 0; i < SIDE2 * SIDE2; i++) {
            const float value = at[(i / SIDE2 * CELLS + i % SIDE2) * LANES];
            sums[i] = _mm512_fmadd_ps(_mm512_set1_ps(value), weight, sums[i]);
        }
    }
#pragma GCC unroll 9
    for (int i = 0; i < SIDE2 * SIDE2; i++)
        _mm512_storeu_ps(values[i], bent(sums[i], slopes));
}

/* The third convolution covers all that is left; the fourth is a product. */
INLINE_FAST __m512 last_layers(const pnet *net, const float *values)
{
    __m512 low[4], high[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        low[i] = high[i] = _mm512_setzero_ps();
    for (int tap = 0; tap < TAPS3; tap += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const __m512 value = _mm512_set1_ps(values[tap + i]);
            const float *weight = net->weights3[tap + i];
            low[i] = _mm512_fmadd_ps(value, _mm512_loadu_ps(weight), low[i]);
            high[i] = _mm512_fmadd_ps(value, _mm512_loadu_ps(weight + LANES), high[i]);
        }
    }
    float joined[2 * LANES];
    const __m512 lows = _mm512_add_ps(_mm512_add_ps(low[0], low[1]), _mm512_add_ps(low[2], low[3]));
    const __m512 highs =
        _mm512_add_ps(_mm512_add_ps(high[0], high[1]), _mm512_add_ps(high[2], high[3]));
    _mm512_storeu_ps(joined, bent(_mm512_add_ps(lows, _mm512_loadu_ps(net->bias3)),
                                  _mm512_loadu_ps(net->slopes3)));
    _mm512_storeu_ps(joined + LANES, bent(_mm512_add_ps(highs, _mm512_loadu_ps(net->bias3 + LANES)),
                                          _mm512_loadu_ps(net->slopes3 + LANES)));
    __m512 even = _mm512_loadu_ps(net->bias4), odd = _mm512_setzero_ps();
    for (int tap = 0; tap < 2 * LANES; tap += 2) {
        even = _mm512_fmadd_ps(_mm512_set1_ps(joined[tap]), _mm512_loadu_ps(net->weights4[tap]),
                               even);
        odd = _mm512_fmadd_ps(_mm512_set1_ps(joined[tap + 1]),
                              _mm512_loadu_ps(net->weights4[tap + 1]), odd);
    }
    return _mm512_add_ps(even, odd);
}

FAST static void answer(const pnet *net, const float *pixels, float *numbers)
{
    float cells[CELLS * CELLS][LANES], values[SIDE2 * SIDE2][LANES];
    for (int row = 0; row < CELLS; row++)
        first_layer(net, pixels + 2 * row * ROW, cells + row * CELLS);
    second_layer(net, cells, values);
    _mm512_mask_storeu_ps(numbers, (1 << NUMBERS) - 1, last_layers(net, values[0]));
}

/* Whether the processor has them. */
int64_t registers_usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0;
}

FAST static int run(const void *network, void *stream, int steps, const void *given)
{
    (void)stream, (void)steps;
    const job *wanted = given;
    for (int64_t i = 0; i < wanted->size; i++)
        answer(network, wanted->pixels + i * SIDE * ROW, wanted->answers + i * NUMBERS);
    return 0;
}

/* Return the address of an execute_function; its primitive is a pnet, what it is given a job. */
int64_t pnet_windows_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

#else

int64_t registers_usable(void) { return 0; }

int64_t pnet_windows_entry(void) { return 0; }

#endif
