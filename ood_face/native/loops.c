/* Loops over pixels, windows and boxes; ood_face/detection/loops.py says what each takes.
 *
 * The same stands in ood_face/detection/area.py and interpreted.py for NumPy; a test holds them
 * against each other, bit for bit.
 *
 * A function that needs memory returns -1 where there is none, else 0 or a count.
 */

#include "native.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 3, LANES = 4, OFFSETS = 5, STRIDE_PX = 2, WINDOW_PX = 12, CELLS_AT_ONCE = 32 };
/* so many bytes fit 16 bits when they are added up */
enum { ROWS_IN_16_BITS = 257 };

/* a pixel's red, green and blue, and one that nobody reads */
typedef int32_t lanes_i __attribute__((vector_size(16)));
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
    int32_t *running; /* the same from left to right, LANES a pixel */
} scratch;

/* as pyramid.py has them */
typedef struct {
    int64_t level, height_px, width_px, level_row, level_col, tile_row, tile_col, rows, cols;
} block;

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
INLINE void add_up(const uint16_t *column, int64_t pixels, int32_t *restrict running, int anew)
{
    lanes_i sum = {0, 0, 0, 0};
    if (anew)
        memcpy(running, &sum, sizeof sum);
    for (int64_t i = 0; i < pixels; i++) {
        lanes_s pixel;
        memcpy(&pixel, column + CHANNELS * i, sizeof pixel);
        sum += __builtin_convertvector(pixel, lanes_i);
        lanes_i before = {0, 0, 0, 0};
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
    int32_t *restrict running = room->running;
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
            lanes_i low_sum, high_sum;
            memcpy(&low_sum, running + LANES * across.begin, sizeof low_sum);
            memcpy(&high_sum, running + LANES * across.end, sizeof high_sum);
            const lanes_f mean =
                __builtin_convertvector(high_sum - low_sum, lanes_f) * scales[col];
            memcpy(target + CHANNELS * col, &mean, CHANNELS * sizeof(float));
        }
    }
}

INLINE void fill(const picture *image, const block *blocks, int64_t count, float *tile,
                 int64_t tile_px, const scratch *room)
{
    const int64_t whole[4] = {0, 0, image->width, image->height};
    for (int64_t i = 0; i < count; i++) {
        const block *part = blocks + i;
        const int64_t counts[2] = {part->width_px, part->height_px};
        const int64_t first[2] = {STRIDE_PX * part->level_col, STRIDE_PX * part->level_row};
        const int64_t at = STRIDE_PX * (part->tile_row * tile_px + part->tile_col);
        mean_over(image, whole, counts, first, tile + CHANNELS * at,
                  STRIDE_PX * (part->rows - 1) + WINDOW_PX,
                  STRIDE_PX * (part->cols - 1) + WINDOW_PX, CHANNELS * tile_px, room);
    }
}

FOR_EACH_CPU
int64_t loops_fill(const uint8_t *pixels, int64_t height, int64_t width, const block *blocks,
                   int64_t count, float *tile, int64_t tile_px)
{
    const picture image = {pixels, height, width};
    scratch room;
    const int there = scratch_take(&room, tile_px, width);
    if (there)
        fill(&image, blocks, count, tile, tile_px, &room);
    scratch_free(&room);
    return there ? 0 : -1;
}

FOR_EACH_CPU
int64_t loops_look(const uint8_t *pixels, int64_t height, int64_t width, const int64_t *sizes_px,
                   const int64_t *windows, int64_t count, float *out)
{
    const picture image = {pixels, height, width};
    const int64_t whole[4] = {0, 0, width, height};
    scratch room;
    const int there = scratch_take(&room, WINDOW_PX, width);
    for (int64_t i = 0; there && i < count; i++) {
        const int64_t *window = windows + 3 * i;
        const int64_t *size = sizes_px + 2 * window[0];
        const int64_t counts[2] = {size[1], size[0]};
        const int64_t first[2] = {STRIDE_PX * window[2], STRIDE_PX * window[1]};
        mean_over(&image, whole, counts, first, out + i * CHANNELS * WINDOW_PX * WINDOW_PX,
                  WINDOW_PX, WINDOW_PX, CHANNELS * WINDOW_PX, &room);
    }
    scratch_free(&room);
    return there ? 0 : -1;
}

FOR_EACH_CPU
int64_t loops_crops(const uint8_t *pixels, int64_t height, int64_t width, const int64_t *slices,
                    int64_t count, float *out, int64_t side)
{
    const picture image = {pixels, height, width};
    const int64_t counts[2] = {side, side}, first[2] = {0, 0};
    scratch room;
    const int there = scratch_take(&room, side, width);
    for (int64_t i = 0; there && i < count; i++)
        mean_over(&image, slices + 4 * i, counts, first, out + i * CHANNELS * side * side, side,
                  side, CHANNELS * side, &room);
    scratch_free(&room);
    return there ? 0 : -1;
}

/* Write tile, level, row and column of each cell whose logit is not below `lowest`, and what the
 * network says of it; return how many. */
INLINE int64_t cells_above(const float *answer, int64_t height, int64_t width,
                           const block *blocks, int64_t count, float lowest, int64_t tile,
                           int64_t *windows, float *answers)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        const block *part = blocks + i;
        for (int64_t row = 0; row < part->rows; row++) {
            const float *line = answer + (part->tile_row + row) * width + part->tile_col;
            for (int64_t from = 0; from < part->cols; from += CELLS_AT_ONCE) {
                const int64_t rest = part->cols - from;
                const int64_t past = from + (rest < CELLS_AT_ONCE ? rest : CELLS_AT_ONCE);
                int some = 0;
                for (int64_t col = from; col < past; col++)
                    some |= line[col] >= lowest;
                for (int64_t col = from; some && col < past; col++) {
                    if (!(line[col] >= lowest))
                        continue;
                    int64_t *window = windows + 4 * found;
                    window[0] = tile;
                    window[1] = part->level;
                    window[2] = part->level_row + row;
                    window[3] = part->level_col + col;
                    for (int64_t k = 0; k < OFFSETS; k++)
                        answers[OFFSETS * found + k] = line[k * height * width + col];
                    found++;
                }
            }
        }
    }
    return found;
}

FOR_EACH_CPU
int64_t loops_cells_above(const float *answer, int64_t height, int64_t width, const block *blocks,
                          int64_t count, float lowest, int64_t *windows, float *answers)
{
    return cells_above(answer, height, width, blocks, count, lowest, 0, windows, answers);
}

/* All that is done for tiles, until none is left that nobody has taken: filled, seen by the
 * network that `plan` says, its windows written. Several threads may be at it, each with a tile,
 * a plan and windows of its own; `taken` is what they share.
 * windows: room for all cells, 4 numbers each: the tile, and what loops_cells_above writes. */
FOR_EACH_CPU
int64_t loops_scan(const uint8_t *pixels, int64_t height, int64_t width, const block *blocks,
                   const int64_t *ends, int64_t tiles, int64_t *taken, float *tile,
                   int64_t tile_px, const plan *network, const float *answer, int64_t cells,
                   float lowest, int64_t *windows, float *answers, int64_t *failed)
{
    const picture image = {pixels, height, width};
    int64_t found = 0;
    scratch room;
    const int there = scratch_take(&room, tile_px, width);
    while (there) {
        const int64_t index = __atomic_fetch_add(taken, 1, __ATOMIC_RELAXED);
        if (index >= tiles)
            break;
        const int64_t begin = index ? ends[index - 1] : 0, count = ends[index] - begin;
        fill(&image, blocks + begin, count, tile, tile_px, &room);
        *failed = steps_run(network);
        if (*failed)
            break;
        found += cells_above(answer, cells, cells, blocks + begin, count, lowest, index,
                             windows + 4 * found, answers + OFFSETS * found);
    }
    scratch_free(&room);
    return there ? found : -1;
}

int64_t loops_kept(const float *boxes, const int64_t *order, int64_t count, const int64_t *groups,
                   double max_overlap, double extra_px, int64_t of_smaller, int64_t *kept)
{
    int64_t held = 0;
    for (int64_t i = 0; i < count; i++) {
        const float *a = boxes + 4 * order[i];
        const double area = ((double)a[2] - a[0] + extra_px) * ((double)a[3] - a[1] + extra_px);
        int keep = 1;
        for (int64_t j = 0; keep && j < held; j++) {
            const float *b = boxes + 4 * kept[j];
            if (groups[kept[j]] != groups[order[i]])
                continue;
            const double wide =
                (double)(a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]) + extra_px;
            const double tall =
                (double)(a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]) + extra_px;
            if (wide <= 0 || tall <= 0)
                continue;
            const double theirs =
                ((double)b[2] - b[0] + extra_px) * ((double)b[3] - b[1] + extra_px);
            const double shared = wide * tall;
            const double smaller = area < theirs ? area : theirs;
            keep = shared <= max_overlap * (of_smaller ? smaller : area + theirs - shared);
        }
        if (keep)
            kept[held++] = order[i];
    }
    return held;
}
