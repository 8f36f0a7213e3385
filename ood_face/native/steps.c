/* A network's primitives one after the other, in one call: through ctypes, each call of its own
 * waits for Python's lock when it returns. ood_face/runtime/onednn/steps.py
 * does the same where this is not compiled. */

#include "native.h"

int64_t native_version(void) { return NATIVE_VERSION; }

/* dnnl_primitive_execute */
typedef int (*execute_function)(const void *primitive, void *stream, int count, const void *given);

typedef struct {
    const void *primitive;
    const void *given; /* its arguments, `count` of them */
    int64_t count;
} step;

/* Returns the status of the first primitive that failed, else 0. */
int64_t steps_run(execute_function execute, void *stream, const step *steps, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const int status =
            execute(steps[i].primitive, stream, (int)steps[i].count, steps[i].given);
        if (status)
            return status;
    }
    return 0;
}
