"""A real voice, heard by our own ears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import numpy as np
import pytest

from gateway.speech.ears import open_ears
from gateway.speech.errors import SpeechBusy
from gateway.speech.ports import Voice
from gateway.speech.voice import CHUNK_BYTES, PooledVoice, open_voice
from gateway.speech.voices import VOICES, voice
from media.level import dbfs
from media.resample import Resampler
from tests.needs import program
from tests.speech.lines import errors

pytestmark = pytest.mark.integration

QUESTION = "I found a charge of $320.50 on November 12th. Is that the one you want to dispute?"


async def say(speaker: Voice, text: str, *, who: str = "marin", speed: float = 1.0) -> bytes:
    return b"".join([chunk async for chunk in speaker.speak(text, voice=who, speed=speed)])


def for_ears(pcm: bytes) -> bytes:
    """At 16 kHz, in a quiet room, with a little silence round it."""
    down = Resampler(24_000, 16_000)
    speech = np.frombuffer(down.process(pcm) + down.flush(), "<i2")
    line = np.concatenate([np.zeros(4800), speech, np.zeros(6400)])
    return (line + np.random.default_rng(0).normal(0, 6, line.size)).astype("<i2").tobytes()


async def test_our_ears_understand_our_voice() -> None:
    said = {
        QUESTION: (
            "i found a charge of three hundred twenty dollars and fifty cents on november twelfth "
            "is that the one you want to dispute"
        ),
        "Your appointment is on Friday at 9:30 AM.": "your appointment is on friday at nine thirty a m",
        "Thank you for calling. Goodbye!": "thank you for calling goodbye",
    }
    script = (
        *said.values(),
        "your appointment is on monday at ten fifteen p m",
        "i found a charge of two dollars",
    )
    async with open_voice(1) as speaker, open_ears(1) as ears:
        ears.learn("agent", script)
        for who in ("marin", "cedar", "alloy"):
            for text, words in said.items():
                pcm = await say(speaker, text, who=who)
                heard = await ears.transcribe(for_ears(pcm), script="agent")
                assert errors(words, heard.text) <= len(words.split()) // 10, (who, heard.text)


async def test_the_first_words_come_early_in_small_chunks() -> None:
    async with open_voice(1) as speaker:
        assert speaker.tier == "flite (slt, rms, awb), 1 worker"
        begun = time.perf_counter()
        first, sizes = 0.0, list[int]()
        async for chunk in speaker.speak(QUESTION * 3, voice="cedar"):
            first = first or time.perf_counter() - begun
            sizes.append(len(chunk))
    assert first < 0.3
    assert max(sizes) <= CHUNK_BYTES
    assert all(size % 2 == 0 for size in sizes)
    assert sum(sizes) / 48_000 > 15


async def test_every_voice_has_its_own_sound_and_the_same_loudness() -> None:
    async with open_voice(2) as speaker:
        sounds = {
            card.id: await say(speaker, "Good morning, how can I help?", who=card.id) for card in VOICES
        }
        assert len(set(sounds.values())) == len(VOICES)
        levels = [dbfs(pcm) for pcm in sounds.values()]
        assert max(levels) - min(levels) < 3
        assert min(levels) > -26
        # The engine's breath is random: the same words are as long, not the same bytes.
        stranger = await say(speaker, "Good morning, how can I help?", who="nobody")
        assert len(stranger) == pytest.approx(len(sounds[VOICES[0].id]), rel=0.01)


async def test_speed_shortens() -> None:
    async with open_voice(1) as speaker:
        usual = len(await say(speaker, QUESTION))
        assert 0.6 < len(await say(speaker, QUESTION, speed=1.5)) / usual < 0.75
        assert 1.8 < len(await say(speaker, QUESTION, speed=0.5)) / usual < 2.2
        fastest = len(await say(speaker, QUESTION, speed=1.5))
        assert len(await say(speaker, QUESTION, speed=99.0)) == pytest.approx(fastest, rel=0.01)


async def test_sentences_have_a_pause_between_and_no_silence_round_them() -> None:
    async with open_voice(1) as speaker:
        samples = np.abs(np.frombuffer(await say(speaker, "One moment. Here it is."), "<i2").astype(int))
    loud = np.flatnonzero(samples > 300)
    gap = int(np.diff(loud).max()) / 24
    assert 250 <= gap <= 500
    assert loud[0] / 24 < 60
    assert (samples.size - loud[-1]) / 24 < 100


async def test_nothing_to_say_is_no_sound() -> None:
    async with open_voice(1) as speaker:
        for text in ("", "   ", "…", "\x00\x07", "😀"):
            assert await say(speaker, text) == b""


async def test_speech_cut_short_frees_the_worker() -> None:
    async with open_voice(1) as speaker:
        speech = speaker.speak("This is one of very many sentences. " * 50, voice="cedar")
        assert isinstance(speech, AsyncGenerator)
        async with aclosing(speech):
            assert len(await anext(speech)) == CHUNK_BYTES
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await say(speaker, "This one is not even begun.")
        begun = time.perf_counter()
        assert await say(speaker, "Sure.")
        assert time.perf_counter() - begun < 1.0


async def test_too_many_at_once_are_told() -> None:
    async with open_voice(1, waiting=2) as speaker:
        results: list[bytes | None] = []

        async def try_it() -> None:
            try:
                results.append(await say(speaker, "Good morning."))
            except SpeechBusy:
                results.append(None)

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(try_it())
        assert results.count(None) == 2
        assert isinstance(speaker, PooledVoice)


@pytest.mark.parametrize("engine", ["flite", "espeak"])
async def test_either_engine_speaks(engine: Literal["flite", "espeak"]) -> None:
    if engine == "espeak":
        program("espeak-ng")
    async with open_voice(1, engine=engine) as speaker:
        assert engine in speaker.tier
        pcm = await say(speaker, QUESTION, who="sage")
        assert 4 < len(pcm) / 48_000 < 12
        assert -26 < dbfs(pcm) < -16


def test_the_catalogue_has_every_voice_of_the_protocol() -> None:
    assert {card.id for card in VOICES} == {
        "marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse",
    }  # fmt: skip
    assert voice("Cedar").flite == "rms"
    assert voice("nobody") is VOICES[0]
