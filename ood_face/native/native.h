/* What is the same in every file here.
 *
 * No Python in here: the functions are called through ctypes, which gives Python's lock back
 * meanwhile. Nothing is checked: the callers, which ood_face/native/__init__.py names, did.
 */

#ifndef OOD_FACE_NATIVE_H
#define OOD_FACE_NATIVE_H

#include <stdint.h>

/* raise with every change of a function's arguments, here and in __init__.py */
#define NATIVE_VERSION 1

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
/* compiled once for each kind of processor; the loader takes what this one can do */
#define FOR_EACH_CPU __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define FOR_EACH_CPU
#endif
#define INLINE static inline __attribute__((always_inline))

#endif
