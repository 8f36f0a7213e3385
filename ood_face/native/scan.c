/* All tiles of the pyramid: filled, seen by the P-Net, and the windows it sees a face in.
 * ood_face/detection/scanning.py does the same tile by tile.
 */

#define _DEFAULT_SOURCE 1 /* nanosleep */

#include "pyramid.h"
#include "team.h"

enum { OFFSETS = 5, CELLS_AT_ONCE = 32 };

/* A window that the network sees a face in; compiled.py reads these. */
typedef struct {
    int64_t tile, level, row, col;
    float said[OFFSETS + 1]; /* logit and box offsets; the last one is nothing */
} cell;

/* `grows`: where there is no room left, more is taken */
typedef struct {
    cell *cells;
    int64_t count, room, grows;
} cells_found;

static int room_for_one(cells_found *found)
{
    enum { FIRST = 512 };
    if (found->count < found->room)
        return 1;
    if (!found->grows)
        return 0;
    const int64_t room = found->room ? 2 * found->room : FIRST;
    cell *cells = realloc(found->cells, (size_t)room * sizeof *cells);
    if (!cells)
        return 0;
    found->cells = cells;
    found->room = room;
    return 1;
}

/* Write each cell whose logit is not below `lowest`, and the first so many numbers that the network
 * says of it; return whether there was room. */
INLINE int cells_above(const float *answer, int64_t height, int64_t width, int64_t numbers,
                       const block *blocks, int64_t count, float lowest, int64_t tile,
                       cells_found *found)
{
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
                    if (!room_for_one(found))
                        return 0;
                    cell *here = found->cells + found->count++;
                    *here = (cell){tile, part->level, part->level_row + row, part->level_col + col,
                                   {0}};
                    for (int64_t k = 0; k < numbers; k++)
                        here->said[k] = line[k * height * width + col];
                }
            }
        }
    }
    return 1;
}

/* cells: room for all; returns how many are written. */
FOR_EACH_CPU
int64_t scan_cells_above(const float *answer, int64_t height, int64_t width, const block *blocks,
                          int64_t count, float lowest, void *cells, int64_t room)
{
    cells_found found = {cells, 0, room, 0};
    return cells_above(answer, height, width, OFFSETS, blocks, count, lowest, 0, &found)
               ? found.count
               : -1;
}

/* What a thread that looks at tiles has of its own; native_looks.py writes these. */
typedef struct {
    float *tile; /* pixels */
    const plan *network;
    job *given; /* what the network is given, to be told each tile's size; NULL: it knows them */
    const float *answer; /* what the network writes to */
    int64_t failed; /* of the network: see steps_run */
    cells_found found;
} scanner;

typedef struct {
    picture image;
    const block *blocks;
    const int64_t *ends;     /* of the blocks of each tile */
    const int64_t (*sizes)[2]; /* of each tile: pixels of its rows and columns */
    int64_t tiles, most_px, widest_px, numbers;
    float lowest;
    scanner *scanners;
    int64_t count, taken, short_of_memory; /* atomic: so many tiles; and whether */
} scan;

/* windows of so many pixels */
INLINE int64_t cells_of(int64_t px) { return (px - WINDOW_PX) / STRIDE_PX + 1; }

FOR_EACH_CPU
static void scan_tiles(void *work, int64_t who)
{
    scan *all = work;
    if (who >= all->count)
        return;
    scanner *mine = all->scanners + who;
    scratch room;
    int there = scratch_take(&room, all->widest_px, all->image.width);
    if (there) /* what lies beside the blocks is to be numbers */
        memset(mine->tile, 0, (size_t)(CHANNELS * all->most_px) * sizeof(float));
    while (there && !mine->failed) {
        const int64_t index = __atomic_fetch_add(&all->taken, 1, __ATOMIC_RELAXED);
        if (index >= all->tiles)
            break;
        const int64_t begin = index ? all->ends[index - 1] : 0, count = all->ends[index] - begin;
        const int64_t rows = all->sizes[index][0], cols = all->sizes[index][1];
        fill(&all->image, all->blocks + begin, count, mine->tile, cols, &room);
        if (mine->given) {
            mine->given->size = rows;
            mine->given->width = cols;
        }
        mine->failed = steps_run_alone(mine->network);
        if (!mine->failed)
            there = cells_above(mine->answer, cells_of(rows), cells_of(cols), all->numbers,
                                all->blocks + begin, count, all->lowest, index, &mine->found);
    }
    scratch_free(&room);
    if (!there)
        __atomic_store_n(&all->short_of_memory, 1, __ATOMIC_RELAXED);
}

/* All that is done for tiles: filled, seen by the network, its windows kept for scan_found.
 * sizes: of each tile; most_px, widest_px: of the largest and of the longest row; numbers: that the
 * network says of each window. Returns how many windows there are. */
int64_t scan_all(void *them, const uint8_t *pixels, int64_t height, int64_t width,
                 const void *blocks, const int64_t *ends, const void *sizes, int64_t tiles,
                 int64_t most_px, int64_t widest_px, int64_t numbers, float lowest, void *scanners,
                 int64_t count)
{
    scan all = {{pixels, height, width}, blocks, ends, sizes, tiles, most_px, widest_px, numbers,
                lowest, scanners, count, 0, 0};
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++)
        all.scanners[i].found = (cells_found){NULL, 0, 0, 1};
    team_do(them, scan_tiles, &all);
    for (int64_t i = 0; i < count; i++)
        found += all.scanners[i].found.count;
    return all.short_of_memory ? -1 : found;
}

/* Give back what scan_all keeps; before that, unless it is NULL, write all of it to `cells`, in
 * the order of the tiles. */
int64_t scan_found(void *given, int64_t count, int64_t tiles, void *cells)
{
    scanner *scanners = given;
    cell *out = cells;
    for (int64_t i = 0; i < count; i++)
        scanners[i].found.room = 0; /* no longer needed: so many are written */
    for (int64_t tile = 0; out && tile < tiles; tile++)
        for (int64_t i = 0; i < count; i++) {
            cells_found *of = &scanners[i].found;
            int64_t same = 0;
            while (of->room + same < of->count && of->cells[of->room + same].tile == tile)
                same++;
            if (same)
                memcpy(out, of->cells + of->room, (size_t)same * sizeof *out);
            out += same;
            of->room += same;
        }
    for (int64_t i = 0; i < count; i++)
        free(scanners[i].found.cells);
    return 0;
}
