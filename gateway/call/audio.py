"""Where a call's audio goes, in milliseconds for the core: `played` by us, or `relayed` to a client that plays it.

Audio never passes through the core. It opens a gate per response; audio of a response whose gate is not open was given
up, and is dropped here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.call.effects import Clear, CloseGate, Disregard, OpenGate, Pause, Resume
from gateway.call.inputs import AudioBegan, LegInput, Played
from gateway.call.interlude import Interlude
from gateway.ports import Event

__all__ = ["AudioEffect", "CallAudio"]

AudioEffect = OpenGate | CloseGate | Pause | Resume | Clear | Disregard


class CallAudio(Protocol):
    """One call's audio, both ways. `now` is the loop's clock."""

    dropped_ms: int
    """Audio of given-up replies that was not played."""

    @property
    def speech(self) -> bool | None:
        """Whether what was heard last is speech; None where that is not sure."""

    def hear(self, audio: bytes, now: float) -> Iterable[LegInput]:
        """The caller's audio: what the core is to be told of it, each at once and after a `progress`."""

    def overhear(self, audio: bytes, now: float) -> None:
        """The caller's audio, when it is for somebody else than the agent."""

    def take(self, event: Event) -> AudioBegan | None:
        """A `response.output_audio.delta`: the news, when it is the first of its item."""

    def follow(self, event: Event) -> None:
        """Any other event of the model, before the core is told of it: it may end an item or a response."""

    def obey(self, effect: AudioEffect, now: float) -> None: ...

    def progress(self, now: float, *, again_s: float = 0.0) -> Played | None:
        """How far the items are; None when there is nothing new to tell. `again_s`: that an item goes on being played
        is not worth telling before so long has passed since it was told last."""

    def pull(self, now: float) -> tuple[bytes | None, bool]:
        """The next frame to play, and whether an item begins with it (`gateway.ports.Speaker`)."""

    def interpose(self, interlude: Interlude | None, now: float) -> None:
        """From now on this is played and nothing cuts it; what the agent had to say waits. None: the agent goes on."""

    def wake(self) -> None:
        """There may be something to play, after there was nothing."""

    def delay(self, downlink_ms: int) -> None:
        """How long what is pulled takes until it is heard."""

    def close(self) -> None: ...
