/* Resize by area, as ood_face/detection/area.py says: a result's rows are sums over rows of the
 * picture, added up from left to right, so that a window costs two look-ups, however wide it is.
 */

#ifndef OOD_FACE_AREA_H
#define OOD_FACE_AREA_H

#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, LANES = 4 };
/* so many bytes fit 16 bits when they are added up */
enum { ROWS_IN_16_BITS = 257 };

/* a pixel's red, green and blue, and one that nobody reads */
typedef int32_t lanes_i __attribute__((vector_size(16)));
typedef uint32_t lanes_u __attribute__((vector_size(16)));
typedef float lanes_f __attribute__((vector_size(16)));
typedef uint16_t lanes_s __attribute__((vector_size(8)));

typedef struct {
    const uint8_t *pixels; /* RGB, one row after the other */
    int64_t height, width;
} picture;

/* a window's pixels in one direction: from `begin` to before `end` */
typedef struct {
    int32_t begin, end;
} span;

typedef struct {
    span *spans;      /* of the columns of a result */
    float *scales;    /* 1 / pixels of the window, for each column */
    uint16_t *column; /* sums over rows of the picture */
    uint32_t *running; /* the same from left to right, LANES a pixel; they may wrap around, what
                        * lies between two of them comes out right all the same */
} scratch;

static int scratch_take(scratch *room, int64_t columns, int64_t picture_px)
{
    room->spans = malloc((size_t)columns * sizeof *room->spans);
    room->scales = malloc((size_t)columns * sizeof *room->scales);
    room->column = malloc((size_t)(CHANNELS * picture_px + 1) * sizeof *room->column);
    room->running = malloc((size_t)(LANES * (picture_px + 1)) * sizeof *room->running);
    return room->spans && room->scales && room->column && room->running;
}

static void scratch_free(scratch *room)
{
    free(room->spans);
    free(room->scales);
    free(room->column);
    free(room->running);
}

INLINE span span_of(int64_t index, int64_t count, int64_t low, int64_t size)
{
    index = index < count ? index : count - 1;
    span found = {(int32_t)(low + index * size / count),
                  (int32_t)(low + ((index + 1) * size + count - 1) / count)};
    return found;
}

/* Write the sums over `rows` rows of `numbers` bytes, `step` bytes apart. */
INLINE void add_rows(const uint8_t *line, int64_t step, int64_t rows, uint16_t *restrict column,
                     int64_t numbers)
{
    const int64_t odd = rows % 2 ? 1 : 2;
    if (odd == 1)
        for (int64_t i = 0; i < numbers; i++)
            column[i] = line[i];
    else
        for (int64_t i = 0; i < numbers; i++)
            column[i] = (uint16_t)(line[i] + line[step + i]);
    for (int64_t row = odd; row < rows; row += 2) {
        const uint8_t *one = line + row * step, *two = one + step;
        for (int64_t i = 0; i < numbers; i++)
            column[i] = (uint16_t)(column[i] + one[i] + two[i]);
    }
}

/* Add up the pixels from left to right; `anew`: or go on from what stands in `running`. */
INLINE void add_up(const uint16_t *column, int64_t pixels, uint32_t *restrict running, int anew)
{
    lanes_u sum = {0, 0, 0, 0};
    if (anew)
        memcpy(running, &sum, sizeof sum);
    for (int64_t i = 0; i < pixels; i++) {
        lanes_s pixel;
        memcpy(&pixel, column + CHANNELS * i, sizeof pixel);
        sum += __builtin_convertvector(pixel, lanes_u);
        lanes_u before = {0, 0, 0, 0};
        if (!anew)
            memcpy(&before, running + LANES * (i + 1), sizeof before);
        before += sum;
        memcpy(running + LANES * (i + 1), &before, sizeof before);
    }
}

/* The mean of each window of a part of the picture, resized to counts[0] x counts[1] windows.
 * box: x0, y0, x1, y1. first: column and row of the first window that is wanted.
 * out: rows x cols pixels, rows `step` floats apart. */
INLINE void mean_over(const picture *image, const int64_t box[4], const int64_t counts[2],
                      const int64_t first[2], float *out, int64_t rows, int64_t cols,
                      int64_t step, const scratch *room)
{
    const int64_t wide = box[2] - box[0], tall = box[3] - box[1];
    span *const spans = room->spans;
    for (int64_t col = 0; col < cols; col++)
        spans[col] = span_of(first[0] + col, counts[0], 0, wide);
    const int64_t left = spans[0].begin, pixels = spans[cols - 1].end - left;
    for (int64_t col = 0; col < cols; col++) {
        spans[col].begin -= (int32_t)left;
        spans[col].end -= (int32_t)left;
    }
    uint32_t *restrict running = room->running;
    float *restrict scales = room->scales;
    int32_t known = 0; /* the height that the scales are for */
    for (int64_t row = 0; row < rows; row++) {
        const span down = span_of(first[1] + row, counts[1], box[1], tall);
        const uint8_t *corner = image->pixels + CHANNELS * (box[0] + left);
        for (int32_t y = down.begin; y < down.end; y += ROWS_IN_16_BITS) {
            const int32_t rest = down.end - y;
            add_rows(corner + CHANNELS * image->width * y, CHANNELS * image->width,
                     rest < ROWS_IN_16_BITS ? rest : ROWS_IN_16_BITS, room->column,
                     CHANNELS * pixels);
            add_up(room->column, pixels, running, y == down.begin);
        }
        const int32_t high = down.end - down.begin;
        for (int64_t col = 0; high != known && col < cols; col++)
            scales[col] = 1.0f / (float)(high * (spans[col].end - spans[col].begin));
        known = high;
        float *target = out + row * step;
        for (int64_t col = 0; col < cols; col++) {
            const span across = spans[col];
            lanes_u low_sum, high_sum;
            memcpy(&low_sum, running + LANES * across.begin, sizeof low_sum);
            memcpy(&high_sum, running + LANES * across.end, sizeof high_sum);
            const lanes_f mean =
                __builtin_convertvector((lanes_i)(high_sum - low_sum), lanes_f) * scales[col];
            memcpy(target + CHANNELS * col, &mean, CHANNELS * sizeof(float));
        }
    }
}

#endif
