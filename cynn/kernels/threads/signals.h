/* Signals in the midst of a call: the thread of Python that made it takes the GIL for a moment and runs the handlers
 * of those that have come. Only the main thread of Python has any to run, and that one is never ended while it waits
 * for the GIL. */
#ifndef CYNN_SIGNALS_H
#define CYNN_SIGNALS_H

#include <Python.h>

#include "threads.h"

/* Between two times that a thread asks: as often as Python's threads may take turns without a loss. */
#define LOOK_SECONDS 0.05

/* Return what `signals_raise` needs to know of the calling thread; with the GIL. */
CYNN_UNUSED_OK static inline void *calling_thread(void) {
    return PyThreadState_Get();
}

/* Return whether a handler raised an error, which is set then; without the GIL. */
CYNN_UNUSED_OK static inline int signals_raise(void *thread) {
    const uint64_t mode = keep_denormals(); /* as Python's handlers expect */
    PyEval_RestoreThread((PyThreadState *)thread);
    const int raised = PyErr_CheckSignals() != 0;
    PyEval_SaveThread();
    restore_denormals(mode);
    return raised;
}

/* Go on with the error that is set, if one is; with the GIL. */
CYNN_UNUSED_OK static inline int raised_by_signal(void) {
    return PyErr_Occurred() == NULL ? 0 : -1;
}

#endif
