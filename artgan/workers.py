"""Tasks in processes of their own, one thread each. Knows nothing of what they do."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from artgan.errors import RunError

__all__ = ["cores", "spread"]

T = TypeVar("T")
R = TypeVar("R")

Tell = Callable[[int, int], None]
"""Called with how much of a task is done, and of how much."""

WAIT_SECONDS = 0.2

_state: Any = None
_news: Any = None


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def _begin(make: Callable[[], Any], news: Any) -> None:
    global _state, _news
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started us ends us
    import torch

    torch.set_num_threads(1)
    _state, _news = make(), news


def _run(work: Callable[[Any, Any, Tell], Any], number: int, task: Any) -> Any:
    def tell(done: int, total: int) -> None:
        _news.put((number, done, total))

    return work(_state, task, tell)


def spread(
    make: Callable[[], Any],
    work: Callable[[Any, T, Tell], R],
    tasks: Sequence[T],
    *,
    processes: int,
    told: Callable[[int, int, int], None],
) -> Iterator[R]:
    """Yield the results of tasks as they come, made in processes of one thread each.

    When the caller stops reading, or is interrupted, the processes are ended at once.

    Args:
        make: returns what each process keeps; like `work` a function that can be pickled.
        work: (what `make` returned, task, tell) -> result.
        tasks: what is to be done.
        processes: how many at once.
        told: called with the number of a task, how much of it is done, and of how much.

    Raises:
        RunError: a process died, as when memory ran out.
    """
    context = multiprocessing.get_context("spawn")  # a fork copies torch's locks as they are
    news = context.Queue()
    pool = ProcessPoolExecutor(processes, context, _begin, (make, news))
    before = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
    os.environ["OMP_NUM_THREADS"] = "1"  # of those that begin now
    try:
        waiting = {pool.submit(_run, work, number, task) for number, task in enumerate(tasks)}
        while waiting:
            done, waiting = wait(waiting, WAIT_SECONDS, FIRST_COMPLETED)
            with contextlib.suppress(queue.Empty):
                while True:
                    told(*news.get_nowait())
            for each in done:
                yield each.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a process ended unexpectedly, probably because memory ran out: "
            "give fewer --jobs or a smaller --size"
        ) from error
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        news.close()
