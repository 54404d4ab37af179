# Threads for the duration of one call, or of a fit, whose calls follow each other closely. They are bare (they run no
# Python and never take the GIL), and gone when that is over, so that a shutdown or a free-threaded
# build needs no special case. Where a thread cannot start, the work is done without it; where it starts late,
# the work has begun.

cdef extern from "Python.h" nogil:
    unsigned long PyThread_start_new_thread(void (*function)(void*) noexcept nogil, void* argument)

ctypedef void (*Work)(void* job, int rank, int threads) noexcept nogil

cdef struct Team:
    gate gate
    Work work
    void* job
    int helpers  # number of threads that were started
    int finished  # with the piece of work
    int gone
    pace pace
    trial trial
    int64_t process  # whose they are
    places places  # of threads, before they are started

cdef struct KeptTeam:
    Team team
    int64_t process  # in which it is kept; 0: in none
    int64_t user  # the process of the call that is with it; 0: none is

cdef KeptTeam shared  # for the calls of all networks, where a caller asked to keep threads

cdef respite calls_alone  # after a call whose helpers were late
memset(&calls_alone, 0, sizeof(respite))

cdef int64_t forks = 0  # on the way to this process: the number of a process may be its parent's, in another container


def _count_fork():
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


cdef int64_t this_process() noexcept nogil:
    return cynn_process() + (forks << 40)


cdef void team_member(void* argument) noexcept nogil:
    cdef Team* team = <Team*>argument
    cdef int64_t last_turn = 0
    cdef int rank, threads = 0
    cdef uint64_t mode
    counter_add(&team.gate.present)
    while True:
        rank = gate_enter(&team.gate, &last_turn, &threads)
        if rank == 0:
            break
        mode = flush_denormals()
        team.work(team.job, rank, threads)
        restore_denormals(mode)
        counter_add(&team.finished)
        wake_all(&team.gate.waiters, &team.finished)
    counter_add(&team.gone)  # the last word: after it the team may be gone


cdef void* placed_member(void* argument) noexcept nogil:
    place_freely(&(<Team*>argument).places)
    team_member(argument)
    return NULL


cdef void begin_team(Team* team) noexcept nogil:
    memset(team, 0, sizeof(Team))
    gate_begin(&team.gate)
    team.process = this_process()


cdef void end_team(Team* team) noexcept nogil:
    """End the helper threads, unless they stayed behind in a fork."""
    gate_end(&team.gate)
    if team.process == this_process():
        nap_until_count(&team.gone, team.helpers)
        waiters_close(&team.gate.waiters)
    memset(team, 0, sizeof(Team))


cdef bint is_kept(const KeptTeam* kept) noexcept nogil:
    cdef int64_t process = word_get(&kept.process)
    return process != 0 and process == this_process()


cdef void end_kept_team(KeptTeam* kept) noexcept nogil:
    """Unless a call is with it, which will do it."""
    if word_take(&kept.user, this_process()):
        end_team(&kept.team)
        word_set(&kept.user, 0)


cdef void keep_team(KeptTeam* kept, bint given) noexcept nogil:
    """Whether the helper threads of a call stay for the next one."""
    word_set(&kept.process, this_process() if given else 0)
    if not given:
        end_kept_team(kept)


cdef Team* take_team(KeptTeam* kept) noexcept nogil:
    """Return the kept team, or NULL where there is none or another call is with it."""
    if not is_kept(kept) or not word_take(&kept.user, this_process()):
        return NULL
    if kept.team.process != this_process():
        begin_team(&kept.team)
    return &kept.team


cdef Team* join_team(KeptTeam* kept, Team* passing) noexcept nogil:
    """Return the network's kept team or the shared one, where one is free; else one for the duration of a call."""
    cdef Team* team = take_team(kept)
    if team == NULL:
        team = take_team(&shared)
    if team == NULL:
        begin_team(passing)
        team = passing
    return team


cdef void leave_team(KeptTeam* kept, Team* team) noexcept nogil:
    if team == &shared.team:
        kept = &shared
    elif team != &kept.team:
        end_team(team)
        return
    word_set(&kept.user, 0)
    if not is_kept(kept):
        end_kept_team(kept)


def keep_threads(bint kept):
    """Set whether the threads of a call stay for the next one of any network."""
    with nogil:
        keep_team(&shared, kept)


cdef void work_alone(Work work, void* job) noexcept nogil:
    cdef uint64_t mode = flush_denormals()
    work(job, 0, 1)
    restore_denormals(mode)


cdef int start_helpers(Team* team, int threads) noexcept nogil:
    """Start as many helper threads as possible; return how many members there may be."""
    threads = <int>smaller(threads, GATE_ROOM - 1)
    if team.helpers == 0:
        find_places(&team.places)
    while team.helpers < threads - 1:
        if (
            not start_apart(&team.places, placed_member, team)
            and PyThread_start_new_thread(team_member, team) == <unsigned long>-1
        ):
            break
        team.helpers += 1
    return <int>smaller(threads, team.helpers + 1)


cdef double share_out(Team* team, Work work, void* job, int threads) noexcept nogil:
    """Run `work` on so many threads, this one among them; each takes what is left to do when it starts.

    Return the seconds that this thread worked.
    """
    cdef uint64_t mode = flush_denormals()
    cdef double seconds
    team.work, team.job, team.finished = work, job, 0
    threads = start_helpers(team, threads)
    gate_open(&team.gate, threads - 1, threads)
    seconds = monotonic_seconds()
    work(job, 0, threads)
    seconds = monotonic_seconds() - seconds
    wait_for_count(&team.gate.waiters, &team.finished, gate_close(&team.gate))
    restore_denormals(mode)
    return seconds


cdef void work_together(
    Team* team, Work work, void* job, barrier* meeting, int threads, double patience
) noexcept nogil:
    """Run `work`, which has barriers, on those of so many threads that start within `patience` seconds.

    The others are admitted where the work does so.
    """
    cdef uint64_t mode = flush_denormals()
    cdef int members
    team.work, team.job, team.finished = work, job, 0
    threads = start_helpers(team, threads)
    gate_open(&team.gate, threads - 1, 1)
    gate_wait(&team.gate, patience)
    members = 1 + gate_comers(&team.gate)
    barrier_open(meeting, members, threads)
    gate_admit(&team.gate, members)
    pace_resume(&team.pace)
    work(job, 0, members)
    members = gate_members(&team.gate)
    gate_close(&team.gate)
    wait_for_count(&team.gate.waiters, &team.finished, members - 1)
    pace_pause(&team.pace, meeting)
    barrier_close(meeting)
    restore_denormals(mode)


# A thread takes some 40 microseconds to start and a barrier about one: less work than this for each is
# done faster by fewer.
cdef enum:
    WORK_TO_START = 12000000  # floating point operations of a call, or of all that a team did
    WORK_TO_MEET = 500000  # and between two barriers


cdef inline int threads_for(double work, double least, int threads) noexcept nogil:
    if work < 2 * least:
        return 1
    return <int>(work / least) if work < least * threads else threads
