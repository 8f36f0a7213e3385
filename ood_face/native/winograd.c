/* Convolutions of 3 x 3 in bfloat16 by Winograd's minimal filtering, F(2 x 2, 3 x 3) of Lavin and
 * Gray (arXiv 1509.09308): a tile of 4 x 4 numbers and a filter are each brought into 16 others,
 * whose products are brought back into 2 x 2 results: 16 products instead of 36.
 * See ood_face/runtime/onednn/winograd.py.
 *
 * Some tiles at a time, so that what is made of them stays in the caches: first all of their
 * channels, then the products of some filters, and these filters' results.
 */

#include "winograd.h"

#ifdef WITH_BF16

/* Four rows of pixels: where they begin, and how far apart pixels are. */
typedef struct {
    const bf16 *rows[SIDE];
    int64_t steps[SIDE];
} lines;

/* A column of four, brought into four: even channels, then odd ones. */
INLINE_BF16 void column(const lines *of, int64_t at, __m512 *into)
{
    __m512 pixels[SIDE][2], odd[SIDE];
#pragma GCC unroll 4
    for (int row = 0; row < SIDE; row++)
        floats(of->rows[row] + at * of->steps[row], pixels[row]);
    brought(pixels[0], 2, into);
    brought(pixels[0] + 1, 2, odd);
#pragma GCC unroll 4
    for (int row = 0; row < SIDE; row++)
        into[SIDE + row] = odd[row];
}

/* A row of tiles, of some channels. */
BF16 static void see_row(const lines *of, int64_t width, const strip *at, int64_t step, bf16 *seen)
{
    enum { BOTH = 2 * SIDE };
    const __m512 zero = _mm512_setzero_ps();
    __m512 columns[SIDE * BOTH];
#pragma GCC unroll 8
    for (int i = 0; i < BOTH; i++)
        columns[i] = zero;
    column(of, 0, columns + BOTH);
    for (int64_t tile = 0; tile < at->columns; tile++, seen += TOGETHER) {
#pragma GCC unroll 2
        for (int next = 0; next < 2; next++) {
            const int64_t x = 2 * tile + 1 + next;
            if (x < width)
                column(of, x, columns + (2 + next) * BOTH);
            else
                for (int i = 0; i < BOTH; i++)
                    columns[(2 + next) * BOTH + i] = zero;
        }
#pragma GCC unroll 4
        for (int row = 0; row < SIDE; row++) {
            __m512 even[SIDE], odd[SIDE];
            brought(columns + row, BOTH, even);
            brought(columns + SIDE + row, BOTH, odd);
#pragma GCC unroll 4
            for (int i = 0; i < SIDE; i++)
                _mm512_storeu_si512(seen + (row * SIDE + i) * step,
                                    (__m512i)_mm512_cvtne2ps_pbh(odd[i], even[i]));
        }
#pragma GCC unroll 16
        for (int i = 0; i < 2 * BOTH; i++)
            columns[i] = columns[2 * BOTH + i];
    }
}

BF16 static void see(const winograd *net, const piece *of, const strip *at)
{
    static const bf16 nothing[TOGETHER];
    const int64_t pixels = at->picture * net->height * net->width;
    const int64_t step = net->channels * at->tiles; /* numbers of a point */
    for (int64_t row = 0; row < at->rows; row++)
        for (int64_t some = 0; some < net->channels; some += TOGETHER) {
            lines wanted;
            for (int i = 0; i < SIDE; i++) {
                const int64_t y = at->first + 2 * row + i - 1;
                const int there = y >= 0 && y < net->height;
                wanted.rows[i] =
                    there ? of->source + (pixels + y * net->width) * net->channels + some
                          : nothing;
                wanted.steps[i] = there ? net->channels : 0;
            }
            see_row(&wanted, net->width, at, step,
                    at->seen + some * at->tiles + row * at->columns * TOGETHER);
        }
}

/* All channels of so many tiles with the filters of two registers. */
INLINE_BF16 void multiplied(const bf16 *seen, const bf16 *weights, int64_t channels, int64_t tiles,
                            float *products, int count)
{
    __m512 sums[2 * MOST];
#pragma GCC unroll 28
    for (int i = 0; i < 2 * count; i++)
        sums[i] = _mm512_setzero_ps();
    for (int64_t some = 0; some < channels; some += TOGETHER, seen += tiles * TOGETHER)
        for (int pair = 0; pair < LANES; pair++, weights += 2 * TOGETHER) {
            const __m512i low = _mm512_loadu_si512(weights);
            const __m512i high = _mm512_loadu_si512(weights + TOGETHER);
#pragma GCC unroll 14
            for (int i = 0; i < count; i++) {
                const __m512i given =
                    _mm512_set1_epi32(((const int32_t *)(seen + i * TOGETHER))[pair]);
                sums[2 * i] = added(sums[2 * i], given, low);
                sums[2 * i + 1] = added(sums[2 * i + 1], given, high);
            }
        }
#pragma GCC unroll 28
    for (int i = 0; i < 2 * count; i++)
        _mm512_storeu_ps(products + i * LANES, sums[i]);
}

BF16 static void multiply(const winograd *net, const strip *at, const bf16 *weights)
{
    for (int point = 0; point < POINTS; point++, weights += net->channels * TOGETHER) {
        const bf16 *seen = at->seen + point * net->channels * at->tiles;
        float *products = at->products + point * at->tiles * TOGETHER;
        int64_t tile = 0;
        for (; tile + MOST <= at->tiles; tile += MOST)
            multiplied(seen + tile * TOGETHER, weights, net->channels, at->tiles,
                       products + tile * TOGETHER, MOST);
        for (; tile + MOST / 2 <= at->tiles; tile += MOST / 2)
            multiplied(seen + tile * TOGETHER, weights, net->channels, at->tiles,
                       products + tile * TOGETHER, MOST / 2);
        for (; tile + 2 <= at->tiles; tile += 2)
            multiplied(seen + tile * TOGETHER, weights, net->channels, at->tiles,
                       products + tile * TOGETHER, 2);
        for (; tile < at->tiles; tile++)
            multiplied(seen + tile * TOGETHER, weights, net->channels, at->tiles,
                       products + tile * TOGETHER, 1);
    }
}

/* The 2 x 2 results of a tile, for the filters of a register. */
INLINE_BF16 void result(const float *products, int64_t step, __m512 bias, __m512 *of)
{
    __m512 halves[SIDE][2], points[SIDE];
#pragma GCC unroll 4
    for (int row = 0; row < SIDE; row++) {
#pragma GCC unroll 4
        for (int i = 0; i < SIDE; i++)
            points[i] = _mm512_loadu_ps(products + (row * SIDE + i) * step);
        returned(points, 1, halves[row]);
    }
#pragma GCC unroll 2
    for (int col = 0; col < 2; col++) {
        __m512 both[2];
        returned(halves[0] + col, 2, both);
        of[col] = _mm512_add_ps(both[0], bias);
        of[2 + col] = _mm512_add_ps(both[1], bias);
    }
}

INLINE_BF16 void finish_pixel(__m512 low, __m512 high, int64_t at, const piece *of, int relu)
{
    if (of->added) {
        const __m512i both = _mm512_loadu_si512(of->added + at);
        low = _mm512_add_ps(low, widened(_mm512_castsi512_si256(both)));
        high = _mm512_add_ps(high, widened(_mm512_extracti64x4_epi64(both, 1)));
    }
    if (relu) {
        low = _mm512_max_ps(low, _mm512_setzero_ps());
        high = _mm512_max_ps(high, _mm512_setzero_ps());
    }
    _mm512_storeu_si512(of->target + at, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

BF16 static void finish(const winograd *net, const piece *of, const strip *at, int64_t some)
{
    const __m512 bias[2] = {_mm512_loadu_ps(net->bias + some),
                            _mm512_loadu_ps(net->bias + some + LANES)};
    const int64_t step = at->tiles * TOGETHER; /* numbers of a point */
    const float *products = at->products;
    for (int64_t row = 0; row < at->rows; row++)
        for (int64_t col = 0; col < at->columns; col++, products += TOGETHER) {
            const int64_t y = at->first + 2 * row, x = 2 * col;
            __m512 low[4], high[4];
            result(products, step, bias[0], low);
            result(products + LANES, step, bias[1], high);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                if (y + i / 2 < of->behind && x + i % 2 < net->width) {
                    const int64_t pixel =
                        (at->picture * net->height + y + i / 2) * net->width + x + i % 2;
                    finish_pixel(low[i], high[i], pixel * net->filters + some, of,
                                 (int)net->relu);
                }
        }
}

/* steps.c runs it as it runs a library's primitive. */
BF16 static int run(const void *network, void *stream, int count, const void *given)
{
    (void)stream, (void)count;
    const winograd *net = network;
    const piece *of = given;
    strip at = {.columns = (net->width + 1) / 2};
    for (at.picture = 0; at.picture < of->pictures; at.picture++)
        for (at.first = of->first; at.first < of->behind; at.first += 2 * at.rows) {
            const int64_t rest = (of->behind - at.first + 1) / 2;
            at.rows = smaller(rest, rows_at_once(at.columns));
            at.tiles = at.rows * at.columns;
            at.seen = (bf16 *)of->room;
            at.products = (float *)(at.seen + POINTS * at.tiles * net->channels);
            see(net, of, &at);
            for (int64_t some = 0; some < net->filters; some += TOGETHER) {
                multiply(net, &at, net->weights + POINTS * net->channels * some);
                finish(net, of, &at, some);
            }
        }
    return 0;
}

/* Return the address of an execute_function; its primitive is a winograd, what it is given a
 * piece. */
int64_t winograd_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

int64_t winograd_room(int64_t channels, int64_t width)
{
    const int64_t columns = (width + 1) / 2, tiles = columns * rows_at_once(columns);
    return POINTS * tiles * (channels * (int64_t)sizeof(bf16) + TOGETHER * (int64_t)sizeof(float));
}

int64_t winograd_usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw");
}

#else

int64_t winograd_usable(void) { return 0; }

int64_t winograd_room(int64_t channels, int64_t width) { return 0 * channels * width; }

int64_t winograd_entry(void) { return 0; }

#endif
