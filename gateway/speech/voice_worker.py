"""`python -m gateway.speech.voice_worker flite|espeak`: one process that speaks, for `gateway.speech.voice`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from gateway.speech.espeak import Espeak
from gateway.speech.flite import Flite
from gateway.speech.frames import Message
from gateway.speech.loudness import finish
from gateway.speech.voices import VoiceCard, voice
from gateway.speech.worker import Handler, serve

__all__ = ["start"]

Synthesise = Callable[[str, VoiceCard, float], tuple[bytes, int]]
"""Text, who says it and how fast (1 is normal) → PCM16 mono and its rate."""


def _flite() -> tuple[str, Synthesise]:
    engine = Flite(("slt", "rms", "awb"))
    finish(*engine.speak("Ready.", "slt"))

    def speak(text: str, card: VoiceCard, speed: float) -> tuple[bytes, int]:
        return engine.speak(text, card.flite, stretch=1.0 / (speed * card.pace), pitch=card.pitch)

    return "flite (slt, rms, awb)", speak


def _espeak() -> tuple[str, Synthesise]:
    engine = Espeak()

    def speak(text: str, card: VoiceCard, speed: float) -> tuple[bytes, int]:
        return engine.speak(text, card.espeak, speed=speed * card.pace)

    return f"espeak-ng {engine.version}", speak


ENGINES: dict[str, Callable[[], tuple[str, Synthesise]]] = {"flite": _flite, "espeak": _espeak}


def start(engine: str) -> tuple[dict[str, object], Handler]:
    name, synthesise = ENGINES[engine]()

    def handle(request: Message) -> Message:
        match request.head:
            case {"text": str(text), "voice": str(who), "speed": float(speed)}:
                return Message({}, finish(*synthesise(text, voice(who), speed)))
            case _:
                raise ValueError("a request that voices do not know")

    return {"engine": name}, handle


if __name__ == "__main__":
    serve(lambda: start(sys.argv[1]))
