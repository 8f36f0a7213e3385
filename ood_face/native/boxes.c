/* Boxes: which are left when those that overlap go, moved by what a network says, made square, cut
 * at the picture's edge. Left, top, right, bottom; ood_face/detection/interpreted.py does the same.
 */

#include "pyramid.h"

#include <math.h>

/* Keep, in the given order, the boxes that overlap none of those kept before them too much.
 * groups: boxes of different ones never do; NULL: there are none. kept: may be `order` itself. */
int64_t boxes_kept(const float *boxes, const int64_t *order, int64_t count, const int64_t *groups,
                   double max_overlap, double extra_px, int64_t of_smaller, int64_t *kept)
{
    int64_t held = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t one = order[i];
        const float *a = boxes + 4 * one;
        const double area = ((double)a[2] - a[0] + extra_px) * ((double)a[3] - a[1] + extra_px);
        int keep = 1;
        for (int64_t j = 0; keep && j < held; j++) {
            const float *b = boxes + 4 * kept[j];
            if (groups && groups[kept[j]] != groups[one])
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
            kept[held++] = one;
    }
    return held;
}

/* Write the boxes of windows of the pyramid: level, row and column of each. */
int64_t boxes_of_windows(const int64_t *windows, int64_t count, const float *scales, float *boxes)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t *window = windows + 3 * i;
        const float scale = scales[window[0]];
        const float left = (float)(STRIDE_PX * window[2]), top = (float)(STRIDE_PX * window[1]);
        float *box = boxes + 4 * i;
        box[0] = floorf((left + 1) / scale);
        box[1] = floorf((top + 1) / scale);
        box[2] = floorf((left + WINDOW_PX) / scale);
        box[3] = floorf((top + WINDOW_PX) / scale);
    }
    return 0;
}

typedef struct {
    float logit;
    int64_t index;
} ranked;

/* the higher logit first, of equal ones the earlier */
static int compare(const void *given, const void *other)
{
    const ranked *a = given, *b = other;
    if (a->logit != b->logit)
        return a->logit > b->logit ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Each corner moved by its offset, a share of the sides; then grown to a square of the longer one. */
INLINE void place(const float *box, const float *offsets, float extra_px, float *placed)
{
    const float wide = box[2] - box[0] + extra_px, tall = box[3] - box[1] + extra_px;
    const float left = box[0] + offsets[0] * wide, top = box[1] + offsets[1] * tall;
    const float right = box[2] + offsets[2] * wide, bottom = box[3] + offsets[3] * tall;
    const float across = right - left, down = bottom - top, longer = across > down ? across : down;
    placed[0] = left + 0.5f * across - 0.5f * longer;
    placed[1] = top + 0.5f * down - 0.5f * longer;
    placed[2] = placed[0] + longer;
    placed[3] = placed[1] + longer;
}

/* Which boxes a network's answers leave, best first, and where they are then.
 * answers: logit and offsets of each; levels: of each, or NULL; placed: room for `most`.
 * Returns how many, or -1. */
int64_t boxes_settled(const float *boxes, const float *answers, int64_t count,
                      const int64_t *levels, float least, double same_level, double max_overlap,
                      int64_t most, float extra_px, float *placed)
{
    enum { NUMBERS = 5 };
    ranked *those = malloc((size_t)(count + 1) * sizeof *those);
    int64_t *order = malloc((size_t)(count + 1) * sizeof *order), left = 0;
    for (int64_t i = 0; those && i < count; i++)
        if (answers[NUMBERS * i] >= least)
            those[left++] = (ranked){answers[NUMBERS * i], i};
    if (those && order) {
        qsort(those, (size_t)left, sizeof *those, compare);
        for (int64_t i = 0; i < left; i++)
            order[i] = those[i].index;
        if (levels)
            left = boxes_kept(boxes, order, left, levels, same_level, 0, 0, order);
        left = boxes_kept(boxes, order, left, NULL, max_overlap, 0, 0, order);
        left = left < most ? left : most;
        for (int64_t i = 0; i < left; i++)
            place(boxes + 4 * order[i], answers + NUMBERS * order[i] + 1, extra_px,
                  placed + 4 * i);
    } else
        left = -1;
    free(those);
    free(order);
    return left;
}

/* Write the boxes that meet the picture, and of each what lies inside it: slices of pixels.
 * Boxes count pixels from 1 and include both ends. Returns how many. */
int64_t boxes_inside(const float *boxes, int64_t count, int64_t height, int64_t width, float *met,
                     int64_t *slices)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        const float *box = boxes + 4 * i;
        const int64_t left = (int64_t)box[0], top = (int64_t)box[1];
        const int64_t right = (int64_t)box[2], bottom = (int64_t)box[3];
        int64_t *slice = slices + 4 * found;
        slice[0] = (left > 1 ? left : 1) - 1;
        slice[1] = (top > 1 ? top : 1) - 1;
        slice[2] = right < width ? right : width;
        slice[3] = bottom < height ? bottom : height;
        if (slice[2] > slice[0] && slice[3] > slice[1])
            memcpy(met + 4 * found++, box, 4 * sizeof *box);
    }
    return found;
}
