/* The P-Net on a whole tile of the pyramid, in bfloat16: a first look, whose logits
 * ood_face/detection/cascade.py compares with a lowered threshold. What it says of the boxes is left
 * out. A library's convolutions write every layer of the few channels to memory and read it again.
 */

#define _DEFAULT_SOURCE 1 /* syscall */

#include "matrix.h"

#ifdef WITH_MATRICES

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BELOW = 2,      /* rows that a convolution of three takes away */
    TAKEN = 2 * BELOW,
    AT_ONCE = 256   /* positions of the last layers */
};

typedef struct {
    filters first[4], second[6], third[6][2], fourth;
    float bias1[LANES], slopes1[LANES], bias2[LANES], slopes2[LANES];
    float bias3[2 * LANES], slopes3[2 * LANES], bias4[LANES];
} pnet;

/* where in the room everything lies */
typedef struct {
    bf16 *pixels, *first, *second;
    float *logits;
    int64_t bytes;
} places;

/* What lies behind each is multiplied by zero or not read, but has to be numbers. */
static void clear_behind(bf16 *begin, int64_t used, const void *end)
{
    memset(begin + used, 0, (size_t)((const uint8_t *)end - (const uint8_t *)(begin + used)));
}

static int64_t cells_of(int64_t side) { return (side - BELOW) / 2; }

static places places_in(uint8_t *room, int64_t side)
{
    const int64_t cells = cells_of(side), spare = 4 * AT_ONCE;
    /* positions past the last row are looked at, too, and some written */
    const int64_t pixels = 2 * PIXEL * (side / 2 * side + spare);
    const int64_t layer = 2 * LANES * ((cells + TAKEN) * cells + spare);
    const int64_t answers = 4 * (cells * cells + spare);
    const int64_t aligned[3] = {(pixels + 63) / 64 * 64, (layer + 63) / 64 * 64, answers};
    const places found = {
        (bf16 *)room,
        (bf16 *)(room + aligned[0]),
        (bf16 *)(room + aligned[0] + aligned[1]),
        (float *)(room + aligned[0] + 2 * aligned[1]),
        aligned[0] + 2 * aligned[1] + aligned[2],
    };
    return found;
}

/* PReLU and the largest of 2 x 2: a PReLU may fall below zero, so the smallest counts, too. */
INLINE_MATRIX __m512 largest(float (*sums)[ROWS][LANES], int from, __m512 slopes)
{
    const __m512 a = _mm512_loadu_ps(sums[0][from]), b = _mm512_loadu_ps(sums[0][from + 1]);
    const __m512 c = _mm512_loadu_ps(sums[1][from]), d = _mm512_loadu_ps(sums[1][from + 1]);
    const __m512 high = _mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(c, d));
    const __m512 low = _mm512_min_ps(_mm512_min_ps(a, b), _mm512_min_ps(c, d));
    return _mm512_max_ps(bent(high, slopes), bent(low, slopes));
}

INLINE_MATRIX void pooled(float (*sums)[ROWS][LANES], __m512 slopes, bf16 *out)
{
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i += 4)
        put_two(out + LANES * i / 2, largest(sums, i, slopes), largest(sums, i + 2, slopes));
}

/* In all layers the registers' arithmetic runs one step behind the matrix unit's, beside it. */
MATRIX static void first_layer(const pnet *net, const bf16 *pixels, int64_t side, bf16 *out)
{
    const int64_t cells = cells_of(side);
    const __m512 slopes = _mm512_loadu_ps(net->slopes1);
    float sums[2][ROWS][LANES] = {{{0}}};
    bf16 *behind = out;
    _tile_loadd(4, net->first[0], ROW_BYTES);
    _tile_loadd(5, net->first[1], ROW_BYTES);
    _tile_loadd(6, net->first[2], ROW_BYTES);
    _tile_loadd(7, net->first[3], ROW_BYTES);
    for (int64_t row = 0; row < cells; row++) {
        for (int64_t col = 0; col < 2 * cells; col += ROWS) {
            const bf16 *at = pixels + PIXEL * (row * side + col);
            _tile_loadd(0, net->bias1, 0);
            _tile_loadd(1, net->bias1, 0);
            _tile_loadd(2, at, 2 * PIXEL);
            _tile_loadd(3, at + PIXEL * side, 2 * PIXEL);
            _tile_dpbf16ps(0, 2, 4);
            _tile_dpbf16ps(1, 2, 5);
            _tile_dpbf16ps(0, 3, 6);
            _tile_dpbf16ps(1, 3, 7);
            pooled(sums, slopes, behind);
            behind = out + LANES * (row * cells + col / 2);
            _tile_stored(0, sums[0], ROW_BYTES);
            _tile_stored(1, sums[1], ROW_BYTES);
        }
    }
    pooled(sums, slopes, behind);
}

INLINE_MATRIX void bend(const float (*sums)[LANES], __m512 slopes, bf16 *out)
{
#pragma GCC unroll 4
    for (int i = 0; i < 4 * ROWS; i += 2)
        put_two(out + LANES * i, bent(_mm512_loadu_ps(sums[i]), slopes),
                bent(_mm512_loadu_ps(sums[i + 1]), slopes));
}

MATRIX static void second_layer(const pnet *net, const bf16 *cells, int64_t side, bf16 *out)
{
    const int64_t positions = (side - BELOW) * side;
    const __m512 slopes = _mm512_loadu_ps(net->slopes2);
    float sums[4 * ROWS][LANES] = {{0}};
    bf16 *behind = out;
    for (int64_t from = 0; from < positions; from += 4 * ROWS) {
        for (int step = 0; step < 6; step++) {
            const bf16 *at = cells + LANES * (from + step / 2 * side + step % 2 * 2);
            if (!step) {
                _tile_loadd(0, net->bias2, 0);
                _tile_loadd(1, net->bias2, 0);
                _tile_loadd(2, net->bias2, 0);
                _tile_loadd(3, net->bias2, 0);
            }
            _tile_loadd(7, net->second[step], ROW_BYTES);
            _tile_loadd(4, at, 2 * LANES);
            _tile_dpbf16ps(0, 4, 7);
            _tile_loadd(5, at + LANES * ROWS, 2 * LANES);
            _tile_dpbf16ps(1, 5, 7);
            _tile_loadd(6, at + LANES * 2 * ROWS, 2 * LANES);
            _tile_dpbf16ps(2, 6, 7);
            _tile_loadd(4, at + LANES * 3 * ROWS, 2 * LANES);
            _tile_dpbf16ps(3, 4, 7);
        }
        bend(sums, slopes, behind);
        behind = out + LANES * from;
        _tile_stored(0, sums[0], ROW_BYTES);
        _tile_stored(1, sums[ROWS], ROW_BYTES);
        _tile_stored(2, sums[2 * ROWS], ROW_BYTES);
        _tile_stored(3, sums[3 * ROWS], ROW_BYTES);
    }
    bend(sums, slopes, behind);
}

INLINE_MATRIX void join(float (*sums)[ROWS][LANES], const pnet *net, bf16 (*out)[2 * LANES])
{
    const __m512 low = _mm512_loadu_ps(net->slopes3), high = _mm512_loadu_ps(net->slopes3 + LANES);
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i++) {
        put_two(out[i], bent(_mm512_loadu_ps(sums[0][i]), low),
                bent(_mm512_loadu_ps(sums[1][i]), high));
        put_two(out[ROWS + i], bent(_mm512_loadu_ps(sums[2][i]), low),
                bent(_mm512_loadu_ps(sums[3][i]), high));
    }
}

MATRIX static void third_layer(const pnet *net, const bf16 *values, int64_t side,
                               bf16 (*joined)[2 * LANES])
{
    float sums[4][ROWS][LANES] = {{{0}}};
    bf16(*behind)[2 * LANES] = joined;
    for (int part = 0; part < AT_ONCE; part += 2 * ROWS) {
        _tile_loadd(0, net->bias3, 0);
        _tile_loadd(1, net->bias3 + LANES, 0);
        _tile_loadd(2, net->bias3, 0);
        _tile_loadd(3, net->bias3 + LANES, 0);
        for (int step = 0; step < 6; step++) {
            const bf16 *at = values + LANES * (part + step / 2 * side + step % 2 * 2);
            _tile_loadd(6, net->third[step][0], ROW_BYTES);
            _tile_loadd(7, net->third[step][1], ROW_BYTES);
            _tile_loadd(4, at, 2 * LANES);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, at + LANES * ROWS, 2 * LANES);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        join(sums, net, behind);
        behind = joined + part;
        _tile_stored(0, sums[0], ROW_BYTES);
        _tile_stored(1, sums[1], ROW_BYTES);
        _tile_stored(2, sums[2], ROW_BYTES);
        _tile_stored(3, sums[3], ROW_BYTES);
    }
    join(sums, net, behind);
}

MATRIX static void fourth_layer(const pnet *net, bf16 (*joined)[2 * LANES], float *logits)
{
    const __m512i first = _mm512_slli_epi32(
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 4);
    float sums[ROWS][LANES];
    _tile_loadd(7, net->fourth, ROW_BYTES);
    for (int part = 0; part < AT_ONCE; part += ROWS) {
        _tile_loadd(0, net->bias4, 0);
        _tile_loadd(1, joined[part], ROW_BYTES);
        _tile_dpbf16ps(0, 1, 7);
        _tile_stored(0, sums, ROW_BYTES);
        _mm512_storeu_ps(logits + part, _mm512_i32gather_ps(first, sums, 4));
    }
}

/* loops_scan runs it as it runs a library's primitive. */
MATRIX static int run(const void *network, void *stream, int count, const void *given)
{
    (void)stream, (void)count;
    const pnet *net = network;
    const job *wanted = given;
    const int64_t side = wanted->size, cells = cells_of(side), last = cells - TAKEN;
    const places room = places_in(wanted->room, side);
    bf16 joined[AT_ONCE][2 * LANES] __attribute__((aligned(64)));
    clear_behind(room.pixels, PIXEL * (side / 2) * side, room.first);
    clear_behind(room.first, LANES * cells * cells, room.second);
    clear_behind(room.second, LANES * (cells - BELOW) * cells, room.logits);
    matrix_begin();
    pack(wanted->pixels, side, room.pixels);
    first_layer(net, room.pixels, side, room.first);
    second_layer(net, room.first, cells, room.second);
    for (int64_t from = 0; from < last * cells; from += AT_ONCE) {
        third_layer(net, room.second + LANES * from, cells, joined);
        fourth_layer(net, joined, room.logits + from);
    }
    _tile_release();
    for (int64_t row = 0; row < last; row++)
        memcpy(wanted->answers + row * last, room.logits + row * cells,
               (size_t)last * sizeof(float));
    return 0;
}

/* Return the address of an execute_function; its primitive is a pnet, what it is given a job with
 * the pixels of a tile. */
int64_t pnet_tiles_entry(void)
{
    const execute_function entry = run;
    return (int64_t)(intptr_t)entry;
}

int64_t pnet_tiles_room(int64_t side) { return places_in(0, side).bytes; }

/* The system gives the unit to a program that asks for it. */
int64_t matrix_usable(void)
{
    enum { ASK = 0x1023, UNIT = 18 };
    __builtin_cpu_init();
    return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
           __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && !syscall(SYS_arch_prctl, ASK, UNIT);
}

#else

int64_t matrix_usable(void) { return 0; }

int64_t pnet_tiles_room(int64_t side) { return 0 * side; }

int64_t pnet_tiles_entry(void) { return 0; }

#endif
