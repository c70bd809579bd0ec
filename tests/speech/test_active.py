"""Which ears and voice are chosen, and what is left when none can run."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.speech import active
from gateway.speech.active import open_speech, probe
from gateway.speech.errors import SpeechUnavailable
from gateway.speech.last_resort import tone
from gateway.speech.voice import open_voice
from media.level import dbfs
from tests.needs import program

pytestmark = pytest.mark.integration


@asynccontextmanager
async def cannot_run(*_: object, **__: object) -> AsyncIterator[None]:
    raise SpeechUnavailable("not on this machine")
    yield


async def test_the_best_engines_are_chosen_and_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.speech.active")
    async with open_speech(1, 1) as (ears, voice):
        assert ears.tier.startswith("pocketsphinx")
        assert voice.tier.startswith("flite")
    assert [record.message for record in caplog.records] == [f"ears: {ears.tier}", f"voice: {voice.tier}"]


async def test_espeak_speaks_where_flite_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    program("espeak-ng")

    def only_espeak(workers: int, *, engine: str) -> object:
        return open_voice(workers, engine="espeak") if engine == "espeak" else cannot_run()

    monkeypatch.setattr(active, "pooled_voice", only_espeak)
    async with open_speech(1, 1) as (_, voice):
        assert voice.tier.startswith("espeak-ng")


async def test_without_any_engine_there_are_tones_and_no_ears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "pooled_ears", cannot_run)
    monkeypatch.setattr(active, "pooled_voice", cannot_run)
    async with open_speech() as (ears, voice):
        assert "none" in ears.tier
        assert "tones" in voice.tier
        ears.learn("dental", ("hello",))
        assert (await ears.transcribe(bytes(32_000))).source == "none"
        assert b"".join([chunk async for chunk in voice.speak("Hello.", voice="marin")]) == tone()
        assert [chunk async for chunk in voice.speak(" ", voice="marin")] == []


def test_the_tone_is_soft_and_short() -> None:
    assert 0.2 < len(tone()) / 48_000 < 0.6
    assert -40 < dbfs(tone()) < -25


def test_the_doctor_is_told_what_is_there() -> None:
    findings = {finding.name: finding for finding in probe()}
    assert findings["ears: pocketsphinx"].ok
    assert findings["voice: flite"].ok
    assert all(finding.detail for finding in findings.values())
