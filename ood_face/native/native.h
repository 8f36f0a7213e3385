/* What is the same in every file here.
 *
 * No Python in here: the functions are called through ctypes, which gives Python's lock back
 * meanwhile. Nothing is checked: the callers, which ood_face/native/__init__.py names, did.
 */

#ifndef OOD_FACE_NATIVE_H
#define OOD_FACE_NATIVE_H

#include <stdint.h>

/* raise with every change of a function's arguments, here and in __init__.py */
#define NATIVE_VERSION 6

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
/* compiled once for each kind of processor; the loader takes what this one can do */
#define FOR_EACH_CPU __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define FOR_EACH_CPU
#endif
#define INLINE static inline __attribute__((always_inline))

/* dnnl_primitive_execute */
typedef int (*execute_function)(const void *primitive, void *stream, int count, const void *given);

typedef struct {
    execute_function execute;
    const void *primitive;
    const void *given; /* its arguments, `count` of them */
    int64_t count;
} step;

/* A network ready to be run on what lies at fixed places; runtime/onednn/steps.py writes these. */
typedef struct {
    void *stream;
    const step *steps;
    int64_t count;
    void (*set_threads)(int); /* of a library, for the calling thread; or NULL */
} plan;

/* What a network of our own is given, as the only argument of its only step. */
typedef struct {
    const float *pixels;
    int64_t size; /* pictures, or rows of the only one */
    int64_t width; /* pixels of a row of the only one */
    uint8_t *room; /* as much as the network says, at a multiple of 64 */
    float *answers;
} job;

/* Run it; returns the status of the first primitive that failed, else 0. */
int64_t steps_run(const plan *network);

/* Run it by the calling thread alone, whichever that is. */
INLINE int64_t steps_run_alone(const plan *network)
{
    if (network->set_threads)
        network->set_threads(1);
    return steps_run(network);
}

#endif
