/* The blocks of the pyramid, as ood_face/detection/pyramid.py packs them into tiles. */

#ifndef OOD_FACE_PYRAMID_H
#define OOD_FACE_PYRAMID_H

#include "area.h"

enum { STRIDE_PX = 2, WINDOW_PX = 12 };

/* as pyramid.py has them */
typedef struct {
    int64_t level, height_px, width_px, level_row, level_col, tile_row, tile_col, rows, cols;
} block;

/* Write blocks to their places in a tile. */
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

#endif
