/* Loops over pixels, windows and crops; ood_face/detection/loops.py says what each takes.
 *
 * The same stands in ood_face/detection/area.py and interpreted.py for NumPy; a test holds them
 * against each other, bit for bit.
 *
 * A function that needs memory returns -1 where there is none, else 0 or a count.
 */

#define _DEFAULT_SOURCE 1 /* nanosleep */

#include "pyramid.h"
#include "team.h"

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

/* Windows or crops that a network sees together; native_looks.py writes these. */
typedef struct {
    const int64_t *where; /* see loops_look and loops_crops; NULL: the pixels are there */
    int64_t count;
    float *pixels;
    const plan *network;
    int64_t failed; /* of the network; -1: there was no memory */
} batch;

typedef struct {
    picture image;
    const int64_t *sizes_px; /* of the levels; NULL: crops */
    int64_t side;
    batch *batches;
    int64_t count, taken; /* atomic: so many batches */
} sight;

static void see_batches(void *work, int64_t who)
{
    sight *all = work;
    const picture *of = &all->image;
    (void)who;
    for (;;) {
        const int64_t index = __atomic_fetch_add(&all->taken, 1, __ATOMIC_RELAXED);
        if (index >= all->count)
            return;
        batch *one = all->batches + index;
        if (one->where && all->sizes_px)
            one->failed = loops_look(of->pixels, of->height, of->width, all->sizes_px, one->where,
                                     one->count, one->pixels);
        else if (one->where)
            one->failed = loops_crops(of->pixels, of->height, of->width, one->where, one->count,
                                      one->pixels, all->side);
        if (!one->failed)
            one->failed = steps_run_alone(one->network);
    }
}

/* Cut out what is wanted and let the network see it, batch by batch. */
int64_t loops_see(void *them, const uint8_t *pixels, int64_t height, int64_t width,
                  const int64_t *sizes_px, int64_t side, void *batches, int64_t count)
{
    sight all = {{pixels, height, width}, sizes_px, side, batches, count, 0};
    team_do(them, see_batches, &all);
    return 0;
}
