"""A pool of worker processes that answer requests one at a time each; ears and voice both stand on it.

Requests wait in one bounded line, urgent ones first; a free worker that already knows what the request needs is
preferred. A worker that dies is replaced, and what it was doing is done again, once, by another. Nothing here
blocks the event loop, and leaving `open_pool` leaves no process, socket or thread of ours behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.beside import bare_group
from gateway.speech.errors import SpeechBusy, SpeechError, SpeechUnavailable
from gateway.speech.frames import Message
from gateway.speech.process import WorkerProcess, launch

__all__ = ["Pool", "open_pool"]

log = logging.getLogger(__name__)

READY_S = 20.0
"""How long the first worker may take to load its engine (measured: 0.2 to 1 s)."""
RETRY_S = 2.0
"""Pause before a worker that could not even start is tried again."""
STILLBORN = 2
"""So many such deaths before the first success, and the pool gives up opening."""


@dataclass(slots=True, eq=False)
class _Job:
    request: Message
    needs: str | None
    answer: asyncio.Future[Message]
    urgent: bool = False
    tries: int = 0


@dataclass(slots=True, eq=False)
class _Seat:
    """The place of one worker: its process may change."""

    number: int
    process: WorkerProcess | None = None
    ready: bool = False
    knows: set[str] = field(default_factory=set)
    job: _Job | None = None
    lessons: int = 0
    """Answers to lessons still to come before the job's own."""
    watchdog: asyncio.TimerHandle | None = None


class Pool:
    """Made by `open_pool`."""

    def __init__(
        self, name: str, command: Sequence[str], *, workers: int, waiting: int, job_s: float
    ) -> None:
        self.name = name
        self.facts: dict[str, object] = {}
        """What the first worker said when it was ready."""
        self._command = tuple(command)
        self._longest = waiting
        self._job_s = job_s
        self._line: deque[_Job] = deque()
        self._lessons: dict[str, Message] = {}
        self._seats = [_Seat(number) for number in range(workers)]
        self._gone: list[WorkerProcess] = []
        self._vacant = asyncio.Event()
        self._vacant.set()
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stillborn = 0
        """Processes in a row that died before they were ready."""
        self._closed = False

    @property
    def busy(self) -> int:
        """Requests that workers have."""
        return sum(seat.job is not None for seat in self._seats)

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""
        return len(self._line)

    def teach(self, key: str, lesson: Message) -> None:
        """Have every worker handle `lesson` (again after each restart) before any request that needs `key`, and
        otherwise when it has nothing to do. The same key replaces an earlier lesson."""
        self._lessons[key] = lesson
        for seat in self._seats:
            seat.knows.discard(key)
        self._dispatch()

    async def ask(self, request: Message, *, needs: str | None = None, urgent: bool = False) -> Message:
        """One request, one answer. Cancelling drops the request, or its answer when a worker already has it.

        Raises SpeechBusy when the line is full, SpeechUnavailable when the pool closes, SpeechError when the
        worker refuses the request, takes longer than the pool allows or dies twice on it."""
        if self._closed:
            raise SpeechUnavailable(f"{self.name} is closed")
        if len(self._line) >= self._longest:
            raise SpeechBusy(f"{len(self._line)} requests already wait for {self.name}")
        job = _Job(request, needs, asyncio.get_running_loop().create_future(), urgent)
        ahead = sum(waiting.urgent for waiting in self._line) if urgent else len(self._line)
        self._line.insert(ahead, job)
        self._dispatch()
        try:
            answer = await job.answer
        finally:
            if job in self._line:
                self._line.remove(job)
        if "error" in answer.head:
            raise SpeechError(str(answer.head["error"]))
        return answer

    # ── handing out ───────────────────────────────────────────────────────────────────────────────────────

    def _dispatch(self) -> None:
        free = [seat for seat in self._seats if seat.ready and seat.job is None and not seat.lessons]
        while free and self._line:
            job = self._line.popleft()
            if job.answer.done():
                continue
            seat = next((s for s in free if job.needs in s.knows), free[0])
            free.remove(seat)
            self._give(seat, job)
        for seat in free:
            key = next((key for key in self._lessons if key not in seat.knows), None)
            if key is not None:
                self._teach(seat, key)

    def _give(self, seat: _Seat, job: _Job) -> None:
        if job.needs in self._lessons and job.needs not in seat.knows:
            self._teach(seat, job.needs)
        seat.job = job
        job.tries += 1
        seat.watchdog = asyncio.get_running_loop().call_later(self._job_s, self._too_long, seat, job)
        if seat.process is not None:
            seat.process.send(job.request)

    def _teach(self, seat: _Seat, key: str) -> None:
        seat.knows.add(key)
        seat.lessons += 1
        if seat.process is not None:
            seat.process.send(self._lessons[key])

    def _too_long(self, seat: _Seat, job: _Job) -> None:
        if seat.job is job and seat.process is not None:
            log.error(
                "%s worker %d took longer than %.0f s; killing it", self.name, seat.number, self._job_s
            )
            seat.process.kill()

    # ── what workers do ───────────────────────────────────────────────────────────────────────────────────

    def _on_message(self, process: WorkerProcess, message: Message) -> None:
        seat = self._seat_of(process)
        if seat is None:
            return
        if not seat.ready:
            seat.ready = True
            self._stillborn = 0
            facts = message.head.get("ready")
            self.facts = facts if isinstance(facts, dict) else {}
            if not self._first.done():
                self._first.set_result(None)
        elif seat.lessons:
            seat.lessons -= 1
            if "error" in message.head:
                log.warning(
                    "%s worker %d refused a lesson: %s", self.name, seat.number, message.head["error"]
                )
        elif seat.job is not None:
            job, seat.job = seat.job, None
            self._stand_down(seat)
            if not job.answer.done():
                job.answer.set_result(message)
        self._dispatch()

    def _on_exit(self, process: WorkerProcess) -> None:
        self._gone.append(process)
        self._vacant.set()
        seat = self._seat_of(process)
        if seat is None:
            return
        job, was_ready = seat.job, seat.ready
        self._stand_down(seat)
        seat.process, seat.ready, seat.job, seat.lessons = None, False, None, 0
        seat.knows.clear()
        if self._closed:
            return
        log.warning(
            "%s worker %d is gone%s", self.name, seat.number, "" if was_ready else " before it was ready"
        )
        if not was_ready:
            self._stillborn += 1
            if self._stillborn >= STILLBORN and not self._first.done():
                self._first.set_exception(
                    SpeechUnavailable(f"{self.name}: workers die before they are ready")
                )
        if job is None or job.answer.done():
            return
        if job.tries < 2:
            self._line.appendleft(job)
            self._dispatch()
        else:
            job.answer.set_exception(SpeechError(f"two {self.name} workers died on one request"))

    def _seat_of(self, process: WorkerProcess) -> _Seat | None:
        return next((seat for seat in self._seats if seat.process is process), None)

    @staticmethod
    def _stand_down(seat: _Seat) -> None:
        if seat.watchdog is not None:
            seat.watchdog.cancel()
            seat.watchdog = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────

    async def keep(self) -> None:
        """Fill empty seats and bury the dead, until cancelled."""
        while True:
            await self._vacant.wait()
            self._vacant.clear()
            while self._gone:
                await self._gone[0].reap()
                self._gone.pop(0)
            if self._stillborn >= STILLBORN:
                await asyncio.sleep(RETRY_S)
            for seat in self._seats:
                if seat.process is None:
                    await self._fill(seat)

    async def _fill(self, seat: _Seat) -> None:
        try:
            seat.process = await launch(self._command, self._on_message, self._on_exit)
        except OSError:
            log.exception("no process for %s", self.name)
            self._vacant.set()
            await asyncio.sleep(RETRY_S)

    async def wait_ready(self) -> None:
        """Raises SpeechUnavailable when no worker gets its engine loaded in time."""
        try:
            async with asyncio.timeout(READY_S):
                await self._first
        except TimeoutError:
            raise SpeechUnavailable(f"{self.name}: no worker became ready within {READY_S:.0f} s") from None

    async def close(self) -> None:
        """Fail what waits, end every worker, and wait until they are gone."""
        self._closed = True
        for job in (*self._line, *(seat.job for seat in self._seats if seat.job is not None)):
            if not job.answer.done():
                job.answer.set_exception(SpeechUnavailable(f"{self.name} is closed"))
        self._line.clear()
        running = [seat.process for seat in self._seats if seat.process is not None]
        for seat in self._seats:
            self._stand_down(seat)
            if seat.process is not None:
                if seat.job is not None or seat.lessons or not seat.ready:
                    seat.process.kill()
                else:
                    seat.process.close()
            seat.process = None
        for process in (*running, *self._gone):
            await process.reap()
        self._gone.clear()


@asynccontextmanager
async def open_pool(
    name: str, command: Sequence[str], *, workers: int, waiting: int = 64, job_s: float = 30.0
) -> AsyncIterator[Pool]:
    """Start `workers` processes of `python -m <command>`; ready when the first has its engine loaded.

    `waiting` bounds the line, `job_s` a single request. Raises SpeechUnavailable."""
    pool = Pool(name, command, workers=workers, waiting=waiting, job_s=job_s)
    async with bare_group() as group:
        keeper = group.create_task(pool.keep(), name=f"{name}-keeper")
        try:
            await pool.wait_ready()
            yield pool
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])
            await pool.close()
