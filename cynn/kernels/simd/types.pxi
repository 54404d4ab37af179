# Declarations of the headers for the kernels. To Cython a `vec` is a number, so that kernels read as
# arithmetic; to the C compiler it is a vector of LANES numbers and every operation acts on all.

import os

cimport cython
from libc.stddef cimport size_t
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, cos, log, log1p, rint, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cdef extern from "simd/simd.h" nogil:
    ctypedef real vec
    const int LANES
    const real REAL_TINY, REAL_HUGE, REAL_EPSILON
    vec load(const real* source)
    void store(real* target, vec value)
    void prefetch(const char* source, Py_ssize_t size)
    vec broadcast(real s)
    vec from_bytes(const uint8_t* source)
    vec from_shorts(const uint16_t* source)
    vec from_floats(const float* source)
    vec from_doubles(const double* source)
    real first_lane(vec a)
    real middle_lane(vec a)
    vec lane_numbers()
    vec multiply_add(vec a, vec b, vec c)
    vec where_less(vec a, vec b, vec yes, vec no)
    vec where_less_equal(vec a, vec b, vec yes, vec no)
    vec where_equal(vec a, vec b, vec yes, vec no)
    vec maximum(vec a, vec b)
    vec absolute(vec a)
    vec copy_sign(vec magnitude, vec sign)
    vec square_root(vec a)
    vec nearest_integer(vec a)
    vec power_of_two(vec n)
    vec split_exponent(vec a, vec* fraction)
    vec interleave_low(vec a, vec b)
    vec interleave_high(vec a, vec b)

cdef extern from "simd/tiles.h" nogil:
    const int PANEL, PANEL_VECS, TILE_ROWS, TILE_PANELS, TILE_WIDE, TILE_WIDE_VECS, TILE_SUMS, ROW_BLOCK
    const int SPARSE_WIDE, SPARSE_SUMS

cdef extern from "simd/pages.h" nogil:
    const size_t LARGE_PAGE, LARGE_BLOCK
    void wish_large_pages(void* block, size_t size)

cdef extern from "threads/threads.h" nogil:
    void counter_add(int* counter)
    void counter_sub(int* counter)
    int counter_next(int* counter)
    int64_t counter_sum(int64_t* counter, int64_t more)
    void counter_set(int* counter, int value)
    int counter_get(const int* counter)
    int64_t word_get(const int64_t* word)
    void word_set(int64_t* word, int64_t value)
    bint word_take(int64_t* word, int64_t value)
    double monotonic_seconds()
    uint64_t flush_denormals()
    void restore_denormals(uint64_t mode)
    int64_t cynn_process()

cdef extern from "threads/signals.h" nogil:
    const double LOOK_SECONDS
    void* calling_thread()
    bint signals_raise(void* thread)

cdef extern from "threads/signals.h":
    int raised_by_signal() except -1

cdef extern from "threads/waiting.h" nogil:
    const double CYNN_AWAKE_SECONDS
    ctypedef struct waiters:
        pass
    void waiters_close(waiters* w)
    void wake_all(waiters* w, int* word)
    int64_t wait_while(waiters* w, int* word, int value, double seconds)
    void wait_for_count(waiters* w, int* counter, int value)
    void nap_until_count(const int* counter, int value)

cdef extern from "threads/barrier.h" nogil:
    ctypedef struct barrier:
        waiters waiters
    void barrier_open(barrier* b, int parties, int most)
    void barrier_close(barrier* b)
    void barrier_resize(barrier* b, int parties)
    void barrier_wait(barrier* b)
    ctypedef struct pace:
        pass
    void pace_pause(pace* p, const barrier* b)
    void pace_resume(pace* p)
    int pace_members(pace* p, const barrier* b, int members, int most)

cdef extern from "threads/placing.h" nogil:
    ctypedef struct places:
        pass
    void find_places(places* p)
    bint start_apart(const places* p, void* (*function)(void*) noexcept nogil, void* argument)
    void place_freely(const places* p)

cdef extern from "threads/trial.h" nogil:
    ctypedef struct trial:
        pass
    void trial_begin(trial* t, double work)
    int trial_members(trial* t, int members, int most, bint is_equal, double now)

cdef extern from "threads/barrier.h" nogil:
    ctypedef struct respite:
        pass
    int respite_members(respite* r, int most)
    void respite_judge(respite* r, double seconds, double own)

cdef extern from "threads/gate.h" nogil:
    const int GATE_ROOM
    ctypedef struct gate:
        int present
        waiters waiters
    void gate_begin(gate* g)
    int gate_comers(const gate* g)
    int gate_members(const gate* g)
    void gate_open(gate* g, int places, int members)
    void gate_wait(const gate* g, double seconds)
    void gate_admit(gate* g, int members)
    int gate_close(gate* g)
    void gate_end(gate* g)
    int gate_enter(gate* g, int64_t* last_turn, int* members)
