/* Arithmetic on registers of 16 floats. */

#ifndef OOD_FACE_REGISTERS_H
#define OOD_FACE_REGISTERS_H

#include "native.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WITH_REGISTERS 1

#include <immintrin.h>

enum { LANES = 16 };

#define FAST __attribute__((target("avx512f")))
#define INLINE_FAST static inline FAST __attribute__((always_inline))

/* PReLU */
INLINE_FAST __m512 bent(__m512 value, __m512 slopes)
{
    const __m512 zero = _mm512_setzero_ps();
    return _mm512_fmadd_ps(slopes, _mm512_min_ps(value, zero), _mm512_max_ps(value, zero));
}

#endif
#endif
