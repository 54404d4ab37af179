"""How many threads an estimator uses."""

import os
from typing import Any

from .._runtime import threads


def threads_of(n_jobs: Any) -> int:
    """Return the threads that `n_jobs` means.

    Parameters
    ----------
    n_jobs : int or None
        So many; -1 all cores that the process may use, -2 all but one. None: as
        `cynn.get_num_threads` says; but where no number was set, no more than
        ``OMP_NUM_THREADS``, by which joblib shares the cores among its processes.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> threads_of(3)
    3
    """
    if n_jobs is not None:
        count = int(n_jobs)
        return min(1024, count if count > 0 else max(1, threads.available_cores() + 1 + count))
    count = threads.get_num_threads()
    if threads.is_chosen():
        return count
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(count, max(1, int(limit))) if limit.isdecimal() else count
