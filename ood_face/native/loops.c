/* Loops over pixels, windows and boxes; ood_face/detection/loops.py says what each takes.
 *
 * The same stands in ood_face/detection/area.py and interpreted.py for NumPy; a test holds them
 * against each other, bit for bit.
 *
 * A function that needs memory returns -1 where there is none, else 0 or a count.
 */

#include "area.h"
#include "native.h"

enum { OFFSETS = 5, STRIDE_PX = 2, WINDOW_PX = 12, CELLS_AT_ONCE = 32 };

/* as pyramid.py has them */
typedef struct {
    int64_t level, height_px, width_px, level_row, level_col, tile_row, tile_col, rows, cols;
} block;

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
