"""Invocations that overlap: code that can be paused at each of its calls.

Threads with one baton: exactly one runs at any time, and the agenda alone says which. So a run is the same each time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread

from tests.simulation.agenda import Agenda


def _locked() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass
class _Worker:
    """A thread that runs one task after the other."""

    baton: Lock = field(default_factory=_locked)
    work: Callable[[], None] | None = None


@dataclass
class Tasks:
    """All tasks of one world."""

    agenda: Agenda
    running: _Worker | None = None
    _driver: Lock = field(default_factory=_locked)
    _idle: list[_Worker] = field(default_factory=list)
    _trouble: list[BaseException] = field(default_factory=list)

    def start(self, work: Callable[[], None]) -> None:
        """Runs `work` until it pauses or ends."""
        worker = self._idle.pop() if self._idle else self._hire()
        worker.work = work
        self._hand_over(worker)

    def pause(self, seconds: float) -> None:
        """Lets time pass for the running task, and others run meanwhile."""
        resume_at = self.agenda.now + seconds
        if resume_at < self.agenda.next_at or self.running is None:
            self.agenda.now = resume_at
            return
        worker = self.running
        self.agenda.at(resume_at, lambda: self._hand_over(worker))
        self._driver.release()
        worker.baton.acquire()

    def close(self) -> None:
        """Lets the idle threads end."""
        for worker in self._idle:
            worker.work = None
            worker.baton.release()
        self._idle.clear()

    def _hand_over(self, worker: _Worker) -> None:
        self.running = worker
        worker.baton.release()
        self._driver.acquire()
        self.running = None
        if self._trouble:
            raise self._trouble.pop()

    def _hire(self) -> _Worker:
        worker = _Worker()
        Thread(target=self._serve, args=(worker,), daemon=True).start()
        return worker

    def _serve(self, worker: _Worker) -> None:
        while True:
            worker.baton.acquire()
            if worker.work is None:
                return
            try:
                worker.work()
            except BaseException as error:
                self._trouble.append(error)
            self._idle.append(worker)
            self._driver.release()
