"""Microphone and loudspeaker through the programs of a sound system; here they are of our making."""

from __future__ import annotations

import asyncio
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.softphone.card import KNOWN, SoundCard, programs
from gateway.softphone.sound import Unusable
from media.level import dbfs
from tests.caller_audio import caller
from tests.e2e.server import Server, running
from tests.softphone.phone import carrier_calls, phone
from tests.telephony.record import only_call

pytestmark = pytest.mark.integration

RECORDER = """
import sys, time, wave
assert sys.argv[1:] == "-q -t raw -f S16_LE -c 1 -r 8000 --buffer-time=80000".split(), sys.argv
from gateway.softphone.sound import utterance
from pathlib import Path
frames = [bytes(320)] * {silence} + list(utterance(Path("{speech}"), 8000).frames)
begun = time.monotonic()
for at, frame in enumerate(frames + [bytes(320)] * 3000):
    time.sleep(max(0, begun + at * 0.02 - time.monotonic()))
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
"""
PLAYER = """
import sys
with open("{heard}", "wb", buffering=0) as file:
    while chunk := sys.stdin.buffer.read1(4096):
        file.write(chunk)
"""


def installed(folder: Path, name: str, program: str) -> None:
    path = folder / name
    root = Path(__file__).parents[2]
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n{program}")
    path.chmod(0o755)


def test_a_machine_without_programs_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unusable, match="alsa-utils"):
        programs()
    installed(tmp_path, "arecord", "")
    with pytest.raises(Unusable):
        programs()
    installed(tmp_path, "aplay", "")
    assert programs() is KNOWN[1]
    installed(tmp_path, "parec", "")
    installed(tmp_path, "pacat", "")
    assert programs() is KNOWN[0]


ALSA = KNOWN[1]
LISTENS = """
import time
sys.stdout.buffer.write(b"\\1\\2" * 640)
sys.stdout.flush()
time.sleep(60)
"""


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    installed(tmp_path, "arecord", LISTENS)
    installed(tmp_path, "aplay", PLAYER.format(heard=tmp_path / "heard.raw"))
    return tmp_path


def stuck(bench: Path) -> None:
    installed(bench, "aplay", "import time; time.sleep(60)")


def broken(bench: Path) -> None:
    installed(bench, "arecord", "print('no such device', file=sys.stderr); sys.exit(1)")


def missing(bench: Path) -> None:
    (bench / "arecord").unlink()


def heard(bench: Path) -> bytes:
    path = bench / "heard.raw"
    return path.read_bytes() if path.exists() else b""


async def test_what_is_recorded_comes_in_frames_and_what_is_written_is_played(bench: Path) -> None:
    told: list[str] = []
    card = SoundCard(ALSA, told.append)
    frames: list[bytes] = []
    try:
        await card.open(8000, 8000)
        await card.open(8000, 8000)  # nothing happens

        def frame() -> bool:
            frames.extend(one for one in [card.frame()] if one is not None)
            return bool(frames)

        await until(frame)
        assert frames == [b"\1\2" * 160]
        card.write(b"\3\4" * 160, 8000)
        async with asyncio.timeout(20):
            while await asyncio.to_thread(heard, bench) != b"\3\4" * 160:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    finally:
        await card.close()
    assert told == []


async def test_a_loudspeaker_that_takes_nothing_never_makes_the_call_late(bench: Path) -> None:
    await asyncio.to_thread(stuck, bench)
    card = SoundCard(ALSA, lambda _: None)
    try:
        await card.open(8000, 8000)
        for _ in range(1000):  # more than a pipe holds
            card.write(b"\3\4" * 160, 8000)
            await asyncio.sleep(0)
        assert card.dropped_ms > 0
    finally:
        await card.close()


async def test_a_program_that_ends_says_why(bench: Path) -> None:
    await asyncio.to_thread(broken, bench)
    told: list[str] = []
    card = SoundCard(ALSA, told.append)
    try:
        await card.open(8000, 8000)
        await until(lambda: told)
    finally:
        await card.close()
    assert told == ["arecord ended: no such device"]


async def test_a_program_that_does_not_start_is_told(bench: Path) -> None:
    await asyncio.to_thread(missing, bench)
    card = SoundCard(ALSA, lambda _: None)
    with pytest.raises(Unusable, match="arecord does not start: No such file"):
        await card.open(8000, 8000)
    await card.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("open"), PARLEY_TELEPHONY_OPEN="1", PARLEY_PHONE_PERSONA="dental_reception"
    ) as server:
        yield server


async def test_a_call_is_held_by_microphone_and_loudspeaker(server: Server, tmp_path: Path) -> None:
    installed(tmp_path, "arecord", RECORDER.format(silence=300, speech=caller("dental_01_book")))
    installed(tmp_path, "aplay", PLAYER.format(heard=tmp_path / "heard.raw"))
    out = tmp_path / "heard.wav"
    ran = await phone(
        *("call", "--server", server.url, "--mic", "--duration", "14", "--out", str(out), "--json"),
        settings={"PATH": str(tmp_path)},
    )
    assert ran.code == 0, ran.out + ran.err
    assert len(ran.summary["reply_ms"]) >= 1
    with wave.open(str(out), "rb") as file:
        written = file.readframes(file.getnframes())
    played = (tmp_path / "heard.raw").read_bytes()
    assert len(played) == pytest.approx(len(written), rel=0.1)
    assert dbfs(played) == pytest.approx(dbfs(written), abs=3)
    recorded = only_call(server, carrier_calls(server)[-1])
    assert any("appointment" in text.lower() for role, text in recorded.said if role == "user")


async def test_a_microphone_that_breaks_ends_the_call(server: Server, tmp_path: Path) -> None:
    installed(
        tmp_path, "arecord", "import time; time.sleep(1); print('unplugged', file=sys.stderr); sys.exit(1)"
    )
    installed(tmp_path, "aplay", PLAYER.format(heard=tmp_path / "heard.raw"))
    ran = await phone("call", "--server", server.url, "--mic", "--json", settings={"PATH": str(tmp_path)})
    assert ran.code == 1
    assert ran.summary["failed"] == "arecord ended: unplugged"


async def test_without_programs_nobody_is_called(tmp_path: Path) -> None:
    ran = await phone("call", "--mic", settings={"PATH": str(tmp_path)})
    assert ran.code == 2
    assert "--mic needs a program that records" in ran.err
    assert ran.out == ""
