# Threads for the length of one call, or of a fit, whose calls follow each other closely. They are bare (they run no
# Python and never touch the interpreter's lock), and gone when that is over, so that a shutdown or a build without
# the lock needs no special case. Where a thread cannot start, the work goes on without it; where it starts late,
# the work has begun.

cdef extern from "Python.h" nogil:
    unsigned long PyThread_start_new_thread(void (*function)(void*) noexcept nogil, void* argument)

ctypedef void (*Work)(void* job, int rank, int threads) noexcept nogil

cdef struct Team:
    gate gate
    Work work
    void* job
    int helpers  # that were started
    int finished  # with the piece of work
    int gone
    int64_t process  # that started them
    int busy  # some call is with it


cdef void team_member(void* argument) noexcept nogil:
    cdef Team* team = <Team*>argument
    cdef int64_t last_turn = 0
    cdef int rank, threads = 0
    cdef uint64_t mode
    counter_add(&team.gate.awake)
    while True:
        rank = gate_enter(&team.gate, &last_turn, &threads)
        if rank == 0:
            break
        mode = flush_denormals()
        team.work(team.job, rank, threads)
        restore_denormals(mode)
        counter_add(&team.finished)
    counter_add(&team.gone)  # the last word: after it the team may be gone


cdef void begin_team(Team* team) noexcept nogil:
    memset(team, 0, sizeof(Team))


cdef bint is_of_parent(const Team* team) noexcept nogil:
    """Whether the helpers stayed behind in a fork."""
    return team.helpers > 0 and team.process != cynn_process()


cdef void end_team(Team* team) noexcept nogil:
    """Let the helpers go; the team is as at its beginning."""
    gate_end(&team.gate)
    if not is_of_parent(team):
        counter_wait(&team.gone, team.helpers)
    begin_team(team)


cdef Team* join_team(Team* kept, bint keeps, Team* passing) noexcept nogil:
    """The kept team, where there is one and nobody is with it; else one for the length of a call."""
    if keeps and is_of_parent(kept):
        begin_team(kept)
    if keeps and counter_take(&kept.busy):
        return kept
    begin_team(passing)
    return passing


cdef void leave_team(Team* team, bint stays) noexcept nogil:
    if stays:
        counter_set(&team.busy, 0)
    else:
        end_team(team)


cdef void work_alone(Work work, void* job) noexcept nogil:
    cdef uint64_t mode = flush_denormals()
    work(job, 0, 1)
    restore_denormals(mode)


cdef int start_helpers(Team* team, int threads) noexcept nogil:
    """As many as can be had; gives how many members there may be."""
    if team.helpers == 0 and threads > 1:
        team.process = cynn_process()
    while team.helpers < threads - 1:
        if PyThread_start_new_thread(team_member, team) == <unsigned long>-1:
            break
        team.helpers += 1
    return <int>smaller(threads, team.helpers + 1)


cdef void share_out(Team* team, Work work, void* job, int threads) noexcept nogil:
    """Run `work` on so many threads, this one among them; each does what it finds to do when it comes."""
    cdef uint64_t mode = flush_denormals()
    team.work, team.job, team.finished = work, job, 0
    threads = start_helpers(team, threads)
    gate_open(&team.gate, threads - 1, threads)
    work(job, 0, threads)
    counter_wait(&team.finished, gate_close(&team.gate))
    restore_denormals(mode)


cdef void work_together(
    Team* team, Work work, void* job, barrier* meeting, int threads, double patience
) noexcept nogil:
    """Run `work`, whose members meet, on those of so many threads that come within `patience` seconds.

    The others are let in where the work does so.
    """
    cdef uint64_t mode
    cdef int members
    if threads == 1:
        barrier_open(meeting, 1, 1)
        work_alone(work, job)
        return
    mode = flush_denormals()
    team.work, team.job, team.finished = work, job, 0
    threads = start_helpers(team, threads)
    gate_open(&team.gate, threads - 1, 1)
    gate_wait(&team.gate, patience)
    members = 1 + gate_comers(&team.gate)
    barrier_open(meeting, members, threads)
    gate_admit(&team.gate, members)
    work(job, 0, members)
    members = gate_members(&team.gate)
    gate_close(&team.gate)
    counter_wait(&team.finished, members - 1)
    restore_denormals(mode)


cdef void let_in(Team* team, barrier* meeting, int members) noexcept nogil:
    """Now there are so many members."""
    barrier_widen(meeting, members)
    gate_admit(&team.gate, members)


# A thread takes some 40 microseconds to start and a barrier about one: less work than this for each is
# done faster by fewer.
cdef enum:
    WORK_TO_START = 12000000  # floating point operations of a call, or of all that a team did
    WORK_TO_MEET = 500000  # and between two barriers
    WORK_OF_A_SECOND = 20000000000  # of one thread, about


cdef inline int threads_for(double work, double least, int threads) noexcept nogil:
    if work < 2 * least:
        return 1
    return <int>(work / least) if work < least * threads else threads
