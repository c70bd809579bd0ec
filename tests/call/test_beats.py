"""How often the core is told of time and of what is being played, while nothing happens and while something does."""

from __future__ import annotations

import asyncio

import pytest

from gateway.call.core import Core
from gateway.call.effects import OpenGate, Pause
from gateway.call.inputs import Played
from gateway.call.journaled import CALM_EVERY, CALM_TICKS
from gateway.call.played import PlayedAudio
from gateway.call.shell import AGAIN_S, TICK_MS
from gateway.errors import HUNG_UP
from media.audio import PCM24, PCMU
from tests.call.test_run import Scene

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

FRAME = bytes(160)


@pytest.mark.parametrize("hurried", [False, True])
async def test_a_call_in_which_nothing_is_pending_is_ticked_seldom(
    hurried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one in which something may be, often, for a second after something came."""
    if hurried:
        monkeypatch.setattr(Core, "hurried", True)
    scene = Scene()
    ticks: list[float] = []
    core = scene.call._shell._core.core
    tick = core.tick

    def counted(now: float) -> object:
        ticks.append(now)
        return tick(now)

    core.tick = counted  # type: ignore[assignment,method-assign]
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.call.run())
        sink = await scene.leg.connect()
        await scene.leg.listen(4.0)
        ticks.clear()
        await scene.leg.listen(4.0)
        calm = len(ticks)
        scene.model.session.emit("rate_limits.updated", rate_limits=[])
        await scene.leg.listen(0.1)
        ticks.clear()
        await scene.leg.listen(0.5)
        sink.on_lost(HUNG_UP)
    often = 1000 / TICK_MS
    assert calm == pytest.approx(4.0 * often / CALM_EVERY, abs=2)
    assert len(ticks) == pytest.approx(0.5 * often / (1 if hurried else CALM_EVERY), abs=2)
    assert CALM_TICKS / often >= 0.9, "the core's short deadlines are over by then"


class FarEar:
    """Plays what is pulled, as far as the test says."""

    def __init__(self) -> None:
        self.heard = 0

    def heard_ms(self, now: float) -> int:
        return self.heard

    def recall(self, now: float) -> int:
        return self.heard

    def wake(self) -> None: ...


def sounding() -> tuple[PlayedAudio, FarEar]:
    """A second of one item, of which some was pulled and told."""
    ear = FarEar()
    audio = PlayedAudio(0, ear, PCMU)
    audio.obey(OpenGate("r"), 0.0)
    audio.take({"response_id": "r", "item_id": "i", "delta": FRAME * 50})
    for _ in range(10):
        audio.pull(0.0)
    ear.heard = 40
    assert isinstance(audio.progress(0.0), Played)
    return audio, ear


async def test_that_an_item_goes_on_is_told_now_and_then_and_whenever_somebody_asks() -> None:
    audio, ear = sounding()
    ear.heard = 90
    assert audio.progress(0.05, again_s=AGAIN_S) is None
    ear.heard = 140
    told = audio.progress(AGAIN_S, again_s=AGAIN_S)
    assert told is not None
    assert told.items[0].heard_ms == 140
    ear.heard = 150
    told = audio.progress(AGAIN_S + 0.01)
    assert told is not None
    assert told.items[0].heard_ms == 150
    audio.close()


async def test_of_what_a_browser_plays_too_it_is_told_now_and_then() -> None:
    audio = PlayedAudio(0)
    audio.obey(OpenGate("r"), 0.0)
    audio.take({"response_id": "r", "item_id": "i", "delta": bytes(PCM24.frame_bytes) * 20})
    told = []
    for beat in range(20):  # 16 ms each
        audio.pull(beat / 64)
        if beat == 2:
            assert audio.progress(beat / 64) is not None, "whenever somebody asks"
        told.append(audio.progress(beat / 64, again_s=AGAIN_S) is not None)
    assert [at for at, one in enumerate(told) if one] == [0, 15, 19]
    audio.close()


async def test_the_end_of_an_item_is_told_at_once() -> None:
    audio, ear = sounding()
    while audio.pull(0.1)[0] is not None:
        pass
    audio.follow({"type": "response.output_audio.done", "response_id": "r", "item_id": "i"})
    ear.heard = 980
    assert audio.progress(0.11, again_s=AGAIN_S) is not None
    ear.heard = 1000
    told = audio.progress(0.12, again_s=AGAIN_S)
    assert told is not None
    assert told.items[0].drained
    assert audio.progress(0.13) is None
    audio.close()


async def test_nothing_new_is_told_of_what_is_paused_until_something_changes() -> None:
    audio, ear = sounding()
    audio.obey(Pause(), 0.05)
    assert audio.progress(0.05) is not None, "what was sent is less by what was taken back"
    assert audio.progress(0.2) is None
    audio.take({"response_id": "r", "item_id": "i", "delta": FRAME})
    told = audio.progress(0.25)
    assert told is not None
    assert told.items[0].queued_ms == 1020
    assert told.items[0].heard_ms == ear.heard
    audio.close()


async def test_while_nothing_is_left_to_hear_nobody_is_told_how_long_the_caller_speaks() -> None:
    audio, ear = sounding()
    while audio.pull(0.1)[0] is not None:
        pass
    audio.follow({"type": "response.output_audio.done", "response_id": "r", "item_id": "i"})
    ear.heard = 1000
    assert audio.progress(0.2) is not None
    audio._onset_ms = -100  # as if more of it had been speech since
    assert audio.progress(0.3, again_s=AGAIN_S) is None
    told = audio.progress(0.3)
    assert told is not None
    assert told.speech_ms == 100, "but for before something else is told"
    audio.close()


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_reply_that_is_still_to_come_is_held_with_the_length_of_the_speech_that_holds_it(
    spoken: bool,
) -> None:
    """Whether or not something was heard before it."""
    audio, ear = sounding()
    if spoken:
        while audio.pull(0.1)[0] is not None:
            pass
        audio.follow({"type": "response.output_audio.done", "response_id": "r", "item_id": "i"})
        ear.heard = 1000
        assert audio.progress(0.2) is not None
    else:
        audio.close()
        audio = PlayedAudio(0, ear, PCMU)
    audio.obey(Pause(), 0.3)
    lengths = []
    for beat in range(4):
        audio._onset_ms = -100 * beat  # as if so much of it were speech by now
        told = audio.progress(0.4 + beat / 20, again_s=AGAIN_S)
        lengths.append(None if told is None else told.speech_ms)
    assert lengths[1:] == [100, 200, 300]
    audio.close()
