"""Where in the caller's audio things happened, on the call's own clock: milliseconds of audio since it began. Pure.

Each link counts the audio that *it* was given; a replay makes that another count than the call's.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.audio import PCM24, AudioFormat

__all__ = ["LEAD_MS", "QUIET_MS", "REACH_MS", "Marks", "Speech"]

REACH_MS = 50_000
"""How far back audio can be replayed. Less than the shell keeps, since time goes on meanwhile."""

LEAD_MS = 200
"""What is replayed before the start of speech, besides the padding that the provider put there."""

QUIET_MS = 1_000
"""What is replayed before the last event of a link when nobody was heard to speak: it may have missed an onset."""

LONGEST_QUIET_MS = 20_000
"""And how much at most: a link may have been dead for a while before anybody could know."""

SHORTEST_MS = 100
"""Less than this is nothing that could be committed (OpenAI API reference: `input_audio_buffer.commit`)."""


@dataclass(slots=True)
class Speech:
    """Speech that the call was told of and that is not committed yet."""

    item_id: str
    from_ms: int
    to_ms: int | None = None
    """Where it ended, once that was told."""
    carried: bool = False
    """A provider that is gone heard it begin; the one in force has yet to notice it."""


class Marks:
    def __init__(self, form: AudioFormat = PCM24) -> None:
        """`form`: of the call's audio."""
        self._form = form
        self._bytes = 0
        self.settled_ms = 0
        """Nothing before this needs to be heard again: it was committed, cleared or over."""
        self.alive_ms = 0
        """How much there was when the link in force said something last."""
        self.speech: Speech | None = None
        self.manual = False
        """Without turn detection everything that is not committed counts, speech or not."""
        self._ranges: dict[str, tuple[int, int]] = {}
        """Committed speech whose words are not known: item → from, to."""
        self._segments: list[tuple[int, int]] = [(0, 0)]
        """Where the audio of the link in force comes from: (its own ms, the call's ms), ascending."""
        self._given_ms = 0
        """How much the link in force was given by replays."""

    @property
    def total_ms(self) -> int:
        """Audio of the caller so far."""
        return self._form.to_ms(self._bytes)

    def heard(self, size: int) -> None:
        self._bytes += size

    @property
    def oldest_ms(self) -> int:
        """Before this nothing can be replayed."""
        return max(0, self.total_ms - REACH_MS)

    @property
    def needed_ms(self) -> int:
        """Audio before this will not be asked for any more."""
        first = [from_ms for from_ms, _ in self._ranges.values()]
        if self.speech is not None:
            first.append(self.speech.from_ms)
        return max(self.oldest_ms, min([self._unheard_ms, *first]) - LEAD_MS)

    @property
    def _unheard_ms(self) -> int:
        """From here on nobody can have heard what was said, when nothing of it was told."""
        if self.manual:
            return self.settled_ms
        return max(self.settled_ms, self.alive_ms - QUIET_MS, self.total_ms - LONGEST_QUIET_MS)

    # ── what the link in force tells ──

    def alive(self) -> None:
        self.alive_ms = self.total_ms

    def to_call(self, link_ms: int) -> int:
        """A place in the audio that the link in force was given, on the call's clock."""
        base = self._segments[0]
        for segment in self._segments:
            if segment[0] > link_ms:
                break
            base = segment
        return base[1] + link_ms - base[0]

    def began(self, item_id: str, at_ms: int) -> None:
        self.speech = Speech(item_id, at_ms)

    def stopped(self, at_ms: int) -> None:
        if self.speech is not None:
            self.speech.to_ms = at_ms

    def committed(self, item_id: str, *, at_ms: int | None = None) -> None:
        """`at_ms`: where the call itself asked for the commit."""
        speech, from_ms = self.speech, self.settled_ms
        to_ms = self.total_ms if at_ms is None else at_ms
        if speech is not None and (speech.item_id == item_id or at_ms is not None):
            from_ms = speech.from_ms if at_ms is None else min(from_ms, speech.from_ms)
            to_ms = speech.to_ms or to_ms if at_ms is None else to_ms
            self.speech = None
        self._ranges = {k: v for k, v in self._ranges.items() if v[1] > self.oldest_ms}
        self._ranges[item_id] = (from_ms, to_ms)
        self.settled_ms = max(self.settled_ms, to_ms)

    def cleared(self, at_ms: int) -> None:
        self.settled_ms = max(self.settled_ms, at_ms)
        self.speech = None

    def understood(self, item_id: str) -> None:
        """The words of an item are known, or never will be."""
        self._ranges.pop(item_id, None)

    def waits(self, seconds: float) -> bool:
        """Whether the words of speech that was committed so recently are still to come."""
        return any(to_ms > self.total_ms - seconds * 1000 for _, to_ms in self._ranges.values())

    def range_of(self, item_id: str) -> tuple[int, int] | None:
        """Where an item's speech stands, as far as it can be replayed."""
        found = self._ranges.get(item_id)
        if found is None:
            return None
        from_ms = max(found[0], self.oldest_ms)
        return (from_ms, found[1]) if found[1] - from_ms >= SHORTEST_MS else None

    # ── another link ──

    def renew(self) -> None:
        """The next link begins: it has been given nothing yet."""
        self._segments = []
        self._given_ms = 0
        if self.speech is not None:
            self.speech.carried = True

    def replay(self, from_ms: int, to_ms: int) -> None:
        """The new link is given this stretch."""
        self._segments.append((self._given_ms, from_ms))
        self._given_ms += max(0, to_ms - from_ms)

    def resume(self, *, after_ms: int | None) -> int:
        """From where the new link is given the audio as it comes. `after_ms`: what stands before this was given to it
        with commits."""
        if after_ms is not None:
            from_ms = after_ms
        elif self.speech is not None and not self.manual:
            from_ms = self.speech.from_ms - LEAD_MS
        else:
            from_ms = self._unheard_ms
        from_ms = min(max(from_ms, self.oldest_ms), self.total_ms)
        self._segments.append((self._given_ms, from_ms))
        self.alive_ms = self.total_ms
        return from_ms
