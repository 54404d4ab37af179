# Threads for the length of one call. A call that has enough work borrows bare threads (they run no Python, never
# touch the interpreter's lock, and are gone when the call returns), so that a fork, a shutdown or a
# build without the lock needs no special case. Where a thread cannot start, the call goes on without it.

cdef extern from "Python.h" nogil:
    unsigned long PyThread_start_new_thread(void (*function)(void*) noexcept nogil, void* argument)

ctypedef void (*Work)(void* job, int rank, int threads) noexcept nogil

cdef struct Team:
    Work work
    void* job
    int threads  # those that started, the caller among them
    int next_rank
    int gate  # opens when it is known how many have started
    int finished


cdef void team_member(void* argument) noexcept nogil:
    cdef Team* team = <Team*>argument
    cdef int rank = counter_next(&team.next_rank)
    cdef uint64_t mode
    counter_wait(&team.gate, 1)
    mode = flush_denormals()
    team.work(team.job, rank, team.threads)
    restore_denormals(mode)
    counter_add(&team.finished)  # the last word: after it the team may be gone


cdef void work_together(Work work, void* job, barrier* meeting, int threads) noexcept nogil:
    """Run `work` on so many threads, or as many as can be had, this one among them."""
    cdef Team team
    cdef uint64_t mode = flush_denormals()
    team.work = work
    team.job = job
    team.next_rank = 1
    team.gate = 0
    team.finished = 0
    team.threads = 1
    while team.threads < threads:
        if PyThread_start_new_thread(team_member, &team) == <unsigned long>-1:
            break
        team.threads += 1
    barrier_open(meeting, team.threads)
    counter_set(&team.gate, 1)
    work(job, 0, team.threads)
    counter_wait(&team.finished, team.threads - 1)
    restore_denormals(mode)


# A thread takes some 40 microseconds to start and a barrier about one: less work than this for each is
# done faster by fewer.
cdef enum:
    WORK_TO_START = 12000000  # floating point operations of a whole call
    WORK_TO_MEET = 500000  # and between two barriers


cdef inline int threads_for(double work, double least, int threads) noexcept nogil:
    if work < 2 * least:
        return 1
    return <int>(work / least) if work < least * threads else threads
