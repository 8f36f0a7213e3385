/* Shrink a picture by area, as cv2.resize does with INTER_AREA: a pixel is the mean over the part of
 * the picture that it covers, in which pixels that it covers in part count in part.
 * See ood_face/detection/shrinking.py.
 */

#include "native.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS = 3,
    AT_ONCE = 2048 /* numbers of a row that are added up while they are in the caches */
};

/* a pixel's red, green and blue, and one that nobody reads */
typedef float lanes_f __attribute__((vector_size(16)));

/* Which pixels one of the result covers: of the first and the last one only a part. */
typedef struct {
    int64_t begin, end;
    float first, others, last; /* what they weigh */
} cover;

/* From `index` to `index + 1`, each so many pixels of the picture. */
INLINE cover cover_of(int64_t index, int64_t count, int64_t size)
{
    const double step = (double)size / (double)count, low = (double)index * step;
    const double wanted = low + step, high = wanted < (double)size ? wanted : (double)size;
    const double each = 1 / (high - low);
    cover of = {.begin = (int64_t)low, .others = (float)each};
    of.end = (int64_t)high < size ? (int64_t)high + 1 : size;
    const double behind = (double)of.end - high;
    /* whoever it touches by rounding alone is left out */
    if (behind > 1 - 1e-6)
        of.end--;
    of.first = (float)(each * ((double)of.begin + 1 - low));
    of.last = (float)(each * (high - (double)(of.end - 1)));
    return of;
}

/* The rows that a row of the result covers, added up. */
INLINE void add_rows(const uint8_t *pixels, int64_t numbers, const cover *down, float *restrict sum)
{
    for (int64_t from = 0; from < numbers; from += AT_ONCE) {
        const int64_t count = numbers - from < AT_ONCE ? numbers - from : AT_ONCE;
        const uint8_t *line = pixels + down->begin * numbers + from;
        const uint8_t *last = pixels + (down->end - 1) * numbers + from;
        float *restrict here = sum + from;
        for (int64_t i = 0; i < count; i++)
            here[i] = down->first * (float)line[i];
        if (last == line)
            continue;
        for (line += numbers; line + numbers < last; line += 2 * numbers)
            for (int64_t i = 0; i < count; i++)
                here[i] += down->others * (float)(line[i] + line[numbers + i]);
        if (line < last)
            for (int64_t i = 0; i < count; i++)
                here[i] += down->others * (float)line[i] + down->last * (float)last[i];
        else
            for (int64_t i = 0; i < count; i++)
                here[i] += down->last * (float)last[i];
    }
}

INLINE lanes_f pixel_of(const float *sum, int64_t at)
{
    lanes_f pixel;
    memcpy(&pixel, sum + CHANNELS * at, sizeof pixel);
    return pixel;
}

INLINE void add_columns(const float *sum, const cover *across, int64_t columns, uint8_t *out)
{
    const float nearest = 12582912.0f; /* whose last bit stands for 1: adding it rounds */
    for (int64_t col = 0; col < columns; col++, out += CHANNELS) {
        const cover *of = across + col;
        lanes_f mean = of->first * pixel_of(sum, of->begin);
        for (int64_t at = of->begin + 1; at < of->end - 1; at++)
            mean += of->others * pixel_of(sum, at);
        if (of->end > of->begin + 1)
            mean += of->last * pixel_of(sum, of->end - 1);
        mean = mean + nearest - nearest;
        for (int i = 0; i < CHANNELS; i++)
            out[i] = (uint8_t)mean[i];
    }
}

/* Write `rows` x `columns` pixels, none more than the picture has; -1: there is no memory. */
FOR_EACH_CPU
int64_t shrink(const uint8_t *pixels, int64_t height, int64_t width, uint8_t *out, int64_t rows,
               int64_t columns)
{
    cover *across = malloc((size_t)columns * sizeof *across);
    float *sum = malloc((size_t)(CHANNELS * width + 1) * sizeof *sum);
    const int there = across && sum;
    if (there) {
        sum[CHANNELS * width] = 0;
        for (int64_t col = 0; col < columns; col++)
            across[col] = cover_of(col, columns, width);
        for (int64_t row = 0; row < rows; row++) {
            const cover down = cover_of(row, rows, height);
            add_rows(pixels, CHANNELS * width, &down, sum);
            add_columns(sum, across, columns, out + CHANNELS * columns * row);
        }
    }
    free(across);
    free(sum);
    return there ? 0 : -1;
}
