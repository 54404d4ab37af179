"""How threads wait, and how many work: threads/waiting.h, barrier.h and trial.h by themselves."""

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import time

import pytest

from places import ROOT

SOURCE = """
#define _GNU_SOURCE
#include <stdlib.h>
#include "threads/barrier.h"
#include "threads/trial.h"

typedef struct { barrier meeting; pace pace; respite respite; waiters waiters; int word; } team;

team *make(int parties, int most) {
    team *t = calloc(1, sizeof(team));
    barrier_open(&t->meeting, parties, most);
    waiters_open(&t->waiters);
    pace_resume(&t->pace);
    return t;
}
void meet(team *t) { barrier_wait(&t->meeting); }
int asleep(team *t) {
    return counter_get(&t->waiters.asleep) + counter_get(&t->meeting.waiters.asleep);
}
int64_t slept(team *t) { return counter_sum(&t->meeting.slept, 0); }
int64_t wait_for_change(team *t, double awake) {
    return wait_while(&t->waiters, &t->word, 0, awake);
}
void change(team *t) { counter_set(&t->word, 1); wake_all(&t->waiters, &t->word); }
/* Members slept so long of so many seconds, all told; how many work next? */
int ask(team *t, double slept, double seconds, int members, int most) {
    t->pace.since = monotonic_seconds() - seconds;
    t->meeting.slept = t->pace.slept + (int64_t)(1e9 * slept);
    return pace_members(&t->pace, &t->meeting, members, most);
}
double rest_of(team *t) { return t->pace.rest; }
void wait_is_over(team *t) { t->pace.until = monotonic_seconds() - 1e-6; }
trial *make_trial(void) { trial *t = calloc(1, sizeof(trial)); trial_begin(t, 1); return t; }
void begin_trial(trial *t, double work) { trial_begin(t, work); }
int try_members(trial *t, int members, int most, int is_equal, double now) {
    return trial_members(t, members, most, is_equal, now);
}
int members_of_call(team *t, int most) { return respite_members(&t->respite, most); }
void judge(team *t, double seconds, double own) { respite_judge(&t->respite, seconds, own); }
void respite_is_over(team *t) { t->respite.until = (int64_t)(1e9 * monotonic_seconds()) - 1000; }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the functions of `SOURCE`, compiled."""
    if sys.platform == "win32":
        pytest.skip("compiles as on Unix")
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(command[0]) is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("waiting")
    (folder / "waiting.c").write_text(SOURCE)
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{ROOT}/cynn/kernels"]
    output = folder / "waiting.so"
    subprocess.run([*command, *flags, folder / "waiting.c", "-o", output], check=True)
    functions = ctypes.CDLL(str(output))
    functions.make.restype = ctypes.c_void_p
    functions.slept.restype = functions.wait_for_change.restype = ctypes.c_int64
    functions.rest_of.restype = ctypes.c_double
    for name in ("meet", "asleep", "slept", "change", "rest_of", "wait_is_over", "respite_is_over"):
        getattr(functions, name).argtypes = [ctypes.c_void_p]
    real, whole = ctypes.c_double, ctypes.c_int
    functions.wait_for_change.argtypes = [ctypes.c_void_p, real]
    functions.ask.argtypes = [ctypes.c_void_p, real, real, whole, whole]
    functions.members_of_call.argtypes = [ctypes.c_void_p, whole]
    functions.judge.argtypes = [ctypes.c_void_p, real, real]
    functions.make_trial.restype = ctypes.c_void_p
    functions.begin_trial.argtypes = [ctypes.c_void_p, real]
    functions.try_members.argtypes = [ctypes.c_void_p, whole, whole, whole, real]
    return functions


def until_asleep(library, team, n):
    while library.asleep(team) < n:
        time.sleep(0.001)


@pytest.mark.parametrize("awake", [0.0, 1e-5])
def test_who_waits_sleeps_until_the_word_changes(library, awake):
    team = library.make(1, 1)
    waits = []
    threads = [
        threading.Thread(target=lambda: waits.append(library.wait_for_change(team, awake)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    until_asleep(library, team, 3)
    before = time.process_time()
    time.sleep(0.05)
    assert time.process_time() - before < 0.04 and not waits  # asleep: no core is used
    library.change(team)
    for thread in threads:
        thread.join()
    assert len(waits) == 3 and all(nanoseconds >= 5e7 for nanoseconds in waits)
    assert library.asleep(team) == 0
    assert library.wait_for_change(team, 1e-5) == 0  # it has changed already


@pytest.mark.parametrize("parties", [2, 3, 9])
def test_nobody_passes_a_barrier_alone(library, parties):
    team = library.make(parties, parties)
    passed = [0] * parties
    seen = []

    def member(rank):
        for turn in range(200):
            passed[rank] = turn
            library.meet(team)
            seen.append(min(passed) >= turn)
            library.meet(team)

    threads = [threading.Thread(target=member, args=(rank,)) for rank in range(parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 200 * parties and all(seen)


def test_what_is_slept_at_a_barrier_counts(library):
    team = library.make(2, 2)
    thread = threading.Thread(target=library.meet, args=(team,))
    thread.start()
    until_asleep(library, team, 1)
    time.sleep(0.02)
    library.meet(team)
    thread.join()
    assert library.slept(team) >= 2e7


def test_a_team_that_waits_more_than_it_works_goes_on_with_half(library):
    team = library.make(4, 4)
    assert library.ask(team, 0.0005, 0.001, 4, 4) == 4  # too little to be judged
    assert library.ask(team, 0.010, 0.010, 4, 4) == 4  # of three that can wait one did
    assert library.ask(team, 0.020, 0.010, 4, 4) == 2
    assert library.rest_of(team) == 0.01
    assert library.ask(team, 0.0, 0.001, 2, 4) == 2  # rests
    assert library.ask(team, 0.008, 0.010, 2, 4) == 1
    assert library.rest_of(team) == 0.02  # again: for longer
    library.wait_is_over(team)
    assert library.ask(team, 0.0, 0.01, 1, 4) == 2  # tries two
    library.wait_is_over(team)
    assert library.ask(team, 0.0, 0.01, 2, 4) == 4  # and then all
    assert library.ask(team, 0.0, 0.01, 4, 4) == 4
    for _ in range(9):
        assert library.ask(team, 0.03, 0.01, 4, 4) == 2
        library.wait_is_over(team)
        assert library.ask(team, 0.0, 0.01, 2, 4) == 4
    assert library.rest_of(team) == 0.3


def test_one_of_two_waits_for_the_other(library):
    team = library.make(2, 2)
    assert library.ask(team, 0.004, 0.010, 2, 2) == 2
    assert library.ask(team, 0.006, 0.010, 2, 2) == 1
    assert library.ask(team, 0.0, 0.010, 1, 5) == 1  # also if more have come


def test_a_call_that_waited_for_its_helpers_lets_the_next_go_alone(library):
    team = library.make(1, 1)
    library.judge(team, 0.010, 0.006)  # less than its own work
    library.judge(team, 0.001, 0.0001)  # too little to be judged
    assert library.members_of_call(team, 4) == 4
    library.judge(team, 0.010, 0.004)
    assert library.members_of_call(team, 4) == 1
    library.respite_is_over(team)
    assert library.members_of_call(team, 4) == 4


class Steps:
    """Steps of a team, each as long as `seconds` says of its members, by a clock of their own."""

    def __init__(self, library, most, seconds):
        self.library, self.most, self.seconds = library, most, seconds
        self.trial, self.members, self.now = library.make_trial(), most, 100.0

    def go_on(self, steps, is_equal=1):
        """Return with how many members the steps are done."""
        done = []
        for _ in range(steps):
            self.now += self.seconds[self.members]
            done.append(self.members)
            self.members = self.library.try_members(
                self.trial, self.members, self.most, is_equal, self.now
            )
        return done


TRIED = 5  # steps


def test_a_team_of_short_steps_goes_on_with_the_number_that_is_the_fastest(library):
    steps = Steps(library, 8, {8: 1e-4, 4: 5e-5, 2: 4e-5, 1: 6e-5})
    done = steps.go_on(60)
    first = done.index(4)
    assert first * 1e-4 > 2e-3 and set(done[:first]) == {8}  # no trial at once
    assert done[first:][: 3 * TRIED] == [4] * TRIED + [2] * TRIED + [1] * TRIED
    assert set(done[first + 3 * TRIED :]) == {2}
    steps.seconds = {8: 1e-5, 4: 5e-5, 2: 4e-5, 1: 6e-5}  # the cores have moved
    done = steps.go_on(20_000)
    assert 0.5 < 4e-5 * done.index(8) < 0.6  # after a rest
    assert done[-1] == 8 and done.count(4) == TRIED and done.count(1) == 0


def test_a_team_stays_whole_where_that_is_fastest_and_tries_seldom(library):
    steps = Steps(library, 2, {2: 1e-4, 1: 1.1e-4})
    done = steps.go_on(100_000)
    assert done[-1] == 2 and TRIED <= done.count(1) <= 100
    steps = Steps(library, 2, {2: 3e-3, 1: 1e-3})
    assert set(steps.go_on(2000)) == {2}  # steps so long are not tried
    steps = Steps(library, 1, {1: 1e-4})
    assert set(steps.go_on(1000)) == {1}


def test_a_trial_is_of_equal_steps(library):
    steps = Steps(library, 2, {2: 1e-4, 1: 1e-5})
    assert set(steps.go_on(1000, is_equal=0)) == {2}  # the last of an epoch may be short
    assert steps.go_on(1000)[-1] == 1
    library.begin_trial(steps.trial, 1.0)
    assert steps.go_on(2)[-1] == 1  # of the same work: known
    library.begin_trial(steps.trial, 2.0)
    assert steps.go_on(3)[-1] == 2  # of other work: it begins anew
