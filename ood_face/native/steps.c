/* A network's primitives one after the other, in one call: through ctypes, each call of its own
 * waits for Python's lock when it returns. ood_face/runtime/onednn/steps.py
 * does the same where this is not compiled. */

#include "native.h"

int64_t native_version(void) { return NATIVE_VERSION; }

/* Returns the status of the first primitive that failed, else 0. */
int64_t steps_run(const plan *network)
{
    const step *steps = network->steps;
    for (int64_t i = 0; i < network->count; i++) {
        const int status = network->execute(steps[i].primitive, network->stream,
                                            (int)steps[i].count, steps[i].given);
        if (status)
            return status;
    }
    return 0;
}
