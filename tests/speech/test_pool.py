"""The pool of worker processes: crashes, queues, cancellation, and nothing left behind."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gateway.speech.errors import SpeechBusy, SpeechError, SpeechUnavailable
from gateway.speech.frames import Message
from gateway.speech.pool import Pool, open_pool

pytestmark = pytest.mark.integration

PARROT = ("tests.speech.parrot",)


def say(what: str) -> Message:
    return Message({"op": "say", "what": what})


async def until(pool: Pool, *, busy: int = 0, waiting: int = 0) -> None:
    """Until so many requests are with workers and so many wait for one."""
    while (pool.busy, pool.waiting) != (busy, waiting):  # noqa: ASYNC110 - the pool tells nobody who is busy
        await asyncio.sleep(0.005)


async def test_a_request_is_answered_with_its_body() -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        answer = await pool.ask(Message({"op": "say", "what": "hello"}, b"\0\1" * 100_000))
        assert answer.head["said"] == "hello"
        assert answer.body == b"\0\1" * 100_000
        assert pool.facts == {"engine": "parrot"}


async def test_two_workers_work_at_once(tmp_path: Path) -> None:
    async with open_pool("parrots", PARROT, workers=2) as pool, asyncio.TaskGroup() as group:
        wait = Message({"op": "wait", "until": str(tmp_path / "go")})
        both = [group.create_task(pool.ask(wait)) for _ in range(2)]
        await until(pool, busy=2)
        (tmp_path / "go").touch()
        assert len({(await task).head["pid"] for task in both}) == 2


async def test_the_line_has_a_bound_and_the_urgent_go_first(tmp_path: Path) -> None:
    order: list[str] = []

    async def ask(pool: Pool, what: str, *, urgent: bool = False) -> None:
        await pool.ask(say(what), urgent=urgent)
        order.append(what)

    async with open_pool("parrots", PARROT, workers=1, waiting=3) as pool:
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.ask(Message({"op": "wait", "until": str(tmp_path / "go")})))
            await until(pool, busy=1)
            group.create_task(ask(pool, "later"))
            await until(pool, busy=1, waiting=1)
            group.create_task(ask(pool, "first", urgent=True))
            await until(pool, busy=1, waiting=2)
            group.create_task(ask(pool, "second", urgent=True))
            await until(pool, busy=1, waiting=3)
            with pytest.raises(SpeechBusy):
                await pool.ask(say("too many"))
            (tmp_path / "go").touch()
        assert order == ["first", "second", "later"]


async def test_a_cancelled_request_frees_its_place_and_its_answer_goes_nowhere(tmp_path: Path) -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pool.ask(Message({"op": "wait", "until": str(tmp_path / "go")}))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pool.ask(say("never begun"))
        assert pool.waiting == 0
        (tmp_path / "go").touch()
        assert (await pool.ask(say("after"))).head["said"] == "after"


async def test_a_worker_that_dies_is_replaced_and_its_request_done_again(tmp_path: Path) -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        before = (await pool.ask(say("hello"))).head["pid"]
        after = (await pool.ask(Message({"op": "die once", "flag": str(tmp_path / "died")}))).head["pid"]
        assert after != before


async def test_a_request_that_kills_two_workers_is_given_up_and_the_pool_goes_on() -> None:
    async with open_pool("parrots", PARROT, workers=2) as pool:
        with pytest.raises(SpeechError, match="died"):
            await pool.ask(Message({"op": "die"}))
        assert (await pool.ask(say("still here"))).head["said"] == "still here"


async def test_a_worker_killed_while_idle_is_replaced() -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        pid = (await pool.ask(say("hello"))).head["pid"]
        assert isinstance(pid, int)
        psutil.Process(pid).kill()
        assert (await pool.ask(say("hello"))).head["pid"] != pid


async def test_a_refusal_is_told_and_costs_no_worker() -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        pid = (await pool.ask(say("hello"))).head["pid"]
        with pytest.raises(SpeechError, match=r"^no$"):
            await pool.ask(Message({"op": "refuse"}))
        assert (await pool.ask(say("hello"))).head["pid"] == pid


async def test_a_broken_worker_ends_and_its_words_are_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        with pytest.raises(SpeechError, match="died"):
            await pool.ask(Message({"op": "break"}))
    told = capfd.readouterr().err
    assert "parrot.py" in told
    assert "secret words" not in told.replace('raise RuntimeError("secret words")', "")


async def test_a_worker_that_talks_nonsense_is_killed() -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        with pytest.raises(SpeechError):
            await pool.ask(Message({"op": "babble"}))
        assert (await pool.ask(say("hello"))).head["said"] == "hello"


async def test_a_worker_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    async with open_pool("parrots", PARROT, workers=1, job_s=0.2) as pool:
        with pytest.raises(SpeechError, match="died"):
            await pool.ask(Message({"op": "wait", "until": str(tmp_path / "never")}))


async def test_lessons_come_before_what_needs_them_and_again_after_a_crash() -> None:
    async with open_pool("parrots", PARROT, workers=1) as pool:
        pool.teach("greek", Message({"op": "learn", "what": "alpha"}))
        assert (await pool.ask(say("hello"), needs="greek")).head["lessons"] == ["alpha"]
        with pytest.raises(SpeechError, match="died"):
            await pool.ask(Message({"op": "die"}))
        assert (await pool.ask(say("hello"), needs="greek")).head["lessons"] == ["alpha"]
        pool.teach("greek", Message({"op": "learn", "what": "beta"}))
        assert (await pool.ask(say("hello"), needs="greek")).head["lessons"] == ["alpha", "beta"]


async def test_workers_that_never_start_are_told_soon() -> None:
    with pytest.raises(SpeechUnavailable, match="before they are ready"):
        async with asyncio.timeout(10), open_pool("parrots", (*PARROT, "stillborn"), workers=1):
            pytest.fail("it opened")


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError):
        async with open_pool("parrots", PARROT, workers=1):
            raise LookupError


async def test_closing_fails_what_waits_and_leaves_nothing(tmp_path: Path) -> None:
    me = psutil.Process()
    await asyncio.to_thread(lambda: None)
    children, files = set(me.children()), me.num_fds()
    failures: list[SpeechError] = []

    async def ask(pool: Pool) -> None:
        try:
            await pool.ask(Message({"op": "wait", "until": str(tmp_path / "never")}))
        except SpeechUnavailable as error:
            failures.append(error)

    async with asyncio.TaskGroup() as group:
        async with open_pool("parrots", PARROT, workers=2) as pool:
            for _ in range(4):
                group.create_task(ask(pool))
            await until(pool, busy=2, waiting=2)
        with pytest.raises(SpeechUnavailable):
            await pool.ask(say("anyone?"))
    assert len(failures) == 4
    assert set(me.children()) == children
    assert me.num_fds() == files


PARENT = """
import asyncio
from gateway.speech.frames import Message
from gateway.speech.pool import open_pool

async def main():
    async with open_pool("parrots", ("tests.speech.parrot",), workers=2) as pool:
        await asyncio.gather(*(pool.ask(Message({"op": "say", "what": ""})) for _ in range(2)))
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_workers_of_a_killed_gateway_end_by_themselves() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        workers = psutil.Process(parent.pid).children()
        assert len(workers) == 2
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
            worker.send_signal(signal.SIGINT)
        assert all(worker.is_running() for worker in workers)
        parent.kill()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert (len(gone), alive) == (2, [])
