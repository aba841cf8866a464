"""Long work beside the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from smart.progress import Cancelled, OnProgress, Progress
from smart.ui import clock
from smart.ui.jobs import WAITING, Desk, Job, workshop


def counting(report: OnProgress, steps: int = 1000, seconds: float = 0.005) -> int:
    done = 0
    try:
        for step in range(1, steps + 1):
            time.sleep(seconds)
            done = step
            report(Progress(step, steps, "counting"))
    except Cancelled:
        pass
    return done


def test_watching_sees_the_newest_and_the_end() -> None:
    job = Job(lambda report: counting(report, 30))
    seen = [progress.step for progress in job.watch(0.05)]
    assert seen == sorted(set(seen))
    assert len(seen) < 10
    assert job.result() == 30


def test_stop_ends_soon_and_keeps_the_result() -> None:
    job = Job(counting)
    watch = job.watch(0.01)
    next(watch)
    job.stop()
    began = time.monotonic()
    assert list(watch)[3:] == []
    assert time.monotonic() - began < 1
    assert 1 <= job.result() < 100


def test_a_watcher_who_goes_away_stops_the_work() -> None:
    job = Job(counting)
    watch = job.watch(0.01)
    next(watch)
    watch.close()
    assert job.result() < 100


def test_an_error_reaches_the_watcher_and_the_next_job_runs() -> None:
    def fail(_: OnProgress) -> None:
        raise ValueError("The paint is dry; open a new tube.")

    job: Job[None] = Job(fail)
    assert list(job.watch(0.01)) == []
    with pytest.raises(ValueError, match="dry"):
        job.result()
    after = Job(lambda report: counting(report, 2))
    assert len(list(after.watch(0))) <= 2
    assert after.result() == 2


def test_quick_work_is_done_between_two_steps_in_the_same_thread() -> None:
    names: list[str] = []

    def work(report: OnProgress) -> int:
        names.append(threading.current_thread().name)
        return counting(report, 200)

    job = Job(work)
    watch = job.watch(0.01)
    next(watch)
    began = time.monotonic()
    assert workshop.quick(lambda: threading.current_thread().name) == names[0]
    assert time.monotonic() - began < 0.5
    with pytest.raises(ZeroDivisionError):
        workshop.quick(lambda: 1 // 0)
    assert next(watch).step > 0
    watch.close()


def test_jobs_run_one_after_the_other() -> None:
    order: list[str] = []

    def work(name: str) -> Job[int]:
        def run(report: OnProgress) -> int:
            order.append(name + " begins")
            counting(report, 5)
            order.append(name + " ends")
            return 1

        return Job(run)

    jobs = [work("a"), work("b")]
    threads = [threading.Thread(target=lambda job=job: list(job.watch(0))) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [order[0][2:], order[1][2:]] == ["begins", "ends"]
    assert len(order) == 4


def test_the_desk_finds_the_job_of_a_session() -> None:
    desk, job = Desk(), Job(counting)
    desk.put("a", job)
    assert desk.busy("a")
    assert not desk.busy("b")
    desk.stop("b")
    desk.stop("a")
    assert len(list(job.watch(0))) <= 1
    desk.remove("a", Job(counting))
    assert desk.busy("a")
    desk.remove("a", job)
    assert not desk.busy("a")


def test_the_clock_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second report on: what came before was preparation."""
    now = 100.0
    monkeypatch.setattr(clock.time, "monotonic", lambda: now)
    told = clock.Clock()
    assert told.words(Progress(0, 40, "sketching")) == (
        "A sketch; the portrait grows out of it", 0.0, ""
    )  # fmt: skip
    now += 1
    words = ("Painting at 256 px, step 2 of at most 40", 0.05)
    assert told.words(Progress(2, 40, "painting at 256 px")) == (*words, "")
    now += 3
    assert told.words(Progress(10, 40, "x", fraction=0.25))[1:] == (0.25, "at most 12 s left")
    now += 12
    assert told.words(Progress(40, 40, "x"))[1:] == (1.0, "nearly done")


def test_who_waits_is_told_and_may_leave() -> None:
    first, second, third = Job(counting), Job(counting), Job(lambda report: counting(report, 5))
    running = first.watch(0.01)
    next(running)
    seen: dict[str, list[Progress]] = {"second": [], "third": []}

    def watch(name: str, job: Job[int]) -> None:
        seen[name].extend(job.watch(0.01))

    threads = []
    for name, job in (("second", second), ("third", third)):
        threads.append(threading.Thread(target=watch, args=(name, job)))
        threads[-1].start()
        wait_for(lambda name=name: bool(seen[name]))  # type: ignore[misc]
    assert seen["second"][0] == Progress(0, 1, WAITING)
    assert seen["third"][0] == Progress(0, 2, WAITING)
    second.stop()
    threads[0].join(1)
    assert not threads[0].is_alive(), "who leaves the line waits for no one"
    with pytest.raises(Cancelled):
        second.result()
    wait_for(lambda: Progress(0, 1, WAITING) in seen["third"])
    first.stop()
    threads[1].join(5)
    assert third.result() == 5
    assert {progress.stage for progress in seen["second"]} == {WAITING}


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("It did not happen within five seconds.")
