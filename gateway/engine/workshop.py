"""What the engines of one process share: one pool of ears and one of voices, each opened once somebody needs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from gateway.config import Settings
from gateway.engine.lessons import Lessons
from gateway.speech.active import open_ears, open_voice
from gateway.speech.last_resort import NoEars, ToneVoice
from gateway.speech.ports import Ears, Voice
from personas.persona import Persona

__all__ = ["Workshop"]


class Workshop:
    """For the start of a process: whoever asks first waits for the pool, in the task that `stack` is closed in."""

    def __init__(
        self,
        settings: Settings,
        script: Callable[[], Awaitable[Callable[[Persona], tuple[str, ...]]]],
        stack: AsyncExitStack,
        wall: Callable[[], float] | None = None,
        *,
        speech: bool = True,
    ) -> None:
        """`script`: asked once there are ears, for what gives the sentences that callers of a persona may say, for the
        ears' language models. `wall`: the time, in Unix seconds; none: the real one. Without `speech` nobody hears or
        speaks: for text alone."""
        self.wall = wall
        self._speech = speech
        self._settings = settings
        self._script = script
        self._stack = stack
        self._lessons: Lessons | None = None
        self._voice: Voice | None = None

    @property
    def opened(self) -> tuple[Ears, Voice] | None:
        """Both, where both are open."""
        if self._lessons is None or self._voice is None:
            return None
        return self._lessons.ears, self._voice

    async def lessons(self) -> Lessons:
        """The ears, and what teaches them what the callers of a persona may say: as its first session opens."""
        if self._lessons is None and not self._speech:
            self._lessons = Lessons(NoEars(), lambda _: ())
        if self._lessons is None:
            ears = await self._stack.enter_async_context(open_ears(self._settings.ears_workers))
            self._lessons = Lessons(ears, await self._script())
        return self._lessons

    async def voice(self) -> Voice:
        if self._voice is None and not self._speech:
            self._voice = ToneVoice()
        if self._voice is None:
            self._voice = await self._stack.enter_async_context(open_voice(self._settings.voice_workers))
        return self._voice
