"""Real ears on recorded callers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import psutil
import pytest

from gateway.providers.embedded.script import sentences
from gateway.speech.ears import PooledEars, open_ears
from gateway.speech.errors import SpeechError
from gateway.speech.ports import Ears
from personas.library import load
from tests.caller_audio import pcm, recordings
from tests.speech.lines import SCRIPTS, errors

pytestmark = pytest.mark.integration

EASY = [r for r in recordings() if r.kind == "turn" and r.expect == "ok"]
PERSONAS = {"dental": "dental_reception", "insurance": "insurance_claim", "bank": "bank_dispute"}


def script_of(name: str) -> str:
    """Which script a caller follows; what anybody may say is in each."""
    return next((script for script in SCRIPTS if name.startswith(script)), "dental")


async def share_understood(ears: Ears, scripts: Mapping[str, str]) -> float:
    """The share of words got right, of the easy callers that have a script."""
    wrong = said = 0
    for caller in EASY:
        if (name := scripts.get(script_of(caller.name))) is not None:
            heard = await ears.transcribe(pcm(caller.name), script=name)
            wrong += errors(caller.text, heard.text)
            said += len(caller.text.split())
    return 1 - wrong / said


async def test_callers_who_follow_a_script_are_understood() -> None:
    async with open_ears(1) as ears:
        for name, lines in SCRIPTS.items():
            ears.learn(name, lines)
        assert await share_understood(ears, {name: name for name in SCRIPTS}) >= 0.95


@pytest.fixture
def personas_lines() -> dict[str, tuple[str, ...]]:
    personas = load()
    return {persona: sentences(personas[persona]) for persona in PERSONAS.values()}


async def test_callers_of_our_personas_are_understood(personas_lines: dict[str, tuple[str, ...]]) -> None:
    async with open_ears(1) as ears:
        for persona, lines in personas_lines.items():
            ears.learn(persona, lines)
        assert await share_understood(ears, PERSONAS) >= 0.9


async def test_what_is_heard_and_how_surely() -> None:
    async with open_ears(1) as ears:
        assert ears.tier.startswith("pocketsphinx 5.")
        ears.learn("dental", SCRIPTS["dental"])
        by_script = await ears.transcribe(pcm("dental_02_slot"), script="dental")
        assert (by_script.text, by_script.source) == ("friday at nine thirty in the morning", "script")
        assert by_script.score > 0.7
        off_script = await ears.transcribe(pcm("hard_01_story"), script="dental")
        assert off_script.source == "open"
        assert errors("somebody backed into my car in the parking lot last night", off_script.text) < 15
        without = await ears.transcribe(pcm("insurance_04_hurt"), script="never learned")
        assert (without.text, without.source) == ("nobody was hurt", "open")
        for line in ("stop hold on a second", "wait a minute", "uh huh", "yes please", "no thank you"):
            name = next(r.name for r in recordings() if r.text == line)
            assert (await ears.transcribe(pcm(name), script="dental")).text == line
        spanish = await ears.transcribe(pcm("hard_04_spanish"), script="dental")
        assert spanish.score < 0.5 < by_script.score


async def test_silence_and_noise_are_nothing() -> None:
    async with open_ears(1) as ears:
        ears.learn("bank", SCRIPTS["bank"])
        for sound in (
            b"",
            bytes(300),
            bytes(32_000),
            pcm("noise_white")[:64_000],
            pcm("noise_hum60")[:64_000],
        ):
            heard = await ears.transcribe(sound, script="bank")
            assert (heard.text, heard.score, heard.source) == ("", 0.0, "none")


async def test_a_cancelled_utterance_leaves_the_ears_usable() -> None:
    async with open_ears(1) as ears:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ears.transcribe(pcm("hard_02_rare_name"))
        assert (await ears.transcribe(pcm("common_yes"))).text == "yes please"


async def test_calls_share_the_workers_and_outlive_one() -> None:
    async with open_ears(2) as ears:
        ears.learn("dental", SCRIPTS["dental"])
        ears.learn("dental", SCRIPTS["dental"])
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(ears.transcribe(pcm("common_no"), script="dental")) for _ in range(4)
            ]
            await asyncio.sleep(0)
            kill_one_worker()
        assert [call.result().text for call in calls] == ["no thank you"] * 4


def kill_one_worker() -> None:
    next(one for one in psutil.Process().children() if "gateway.speech.ears_worker" in one.cmdline()).kill()


async def test_closed_ears_hear_nothing_more() -> None:
    async with open_ears(1) as ears:
        assert isinstance(ears, PooledEars)
    with pytest.raises(SpeechError, match="closed"):
        await ears.transcribe(pcm("common_yes"))
