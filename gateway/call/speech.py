"""The caller's speech as the local VAD tells it: the evidence for and against an interruption. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CallerSpeech"]

INTERRUPT_MS = 700
"""This much speech over a reply is an interruption whatever the words."""

WORDS_S = 2.5
"""How long a held reply waits for the words of a turn that the model has heard too."""

HINT_S = 0.4
"""How long a reply is held on the model's word alone, until the local VAD hears the caller too."""

UNHEARD_S = 0.6
"""The same for a sound that the model's own VAD took no notice of."""


@dataclass(slots=True)
class CallerSpeech:
    speaking: bool = False
    noticed: bool = False
    """The model's VAD heard the caller too since the last onset."""
    hinted: bool = False
    """Only the model's VAD has heard the speech that a reply is held for."""
    last_at: float | None = None
    """When the last speech ended, its hangover not counted."""
    _since_onset_ms: int = 0
    _carried_ms: int = 0
    """Speech of earlier onsets over the same held reply: "stop" and "hold on" count together."""
    _silent_since: float | None = None

    def hint(self, now: float) -> None:
        """The model's VAD heard the caller first."""
        self.hinted = self.noticed = True
        self._silent_since = now

    def started(self, *, held: bool) -> None:
        """`held`: it came while a reply is held by speech before it."""
        self._carried_ms = self.heard_ms if held and not self.hinted else 0
        self.hinted = False
        self._since_onset_ms = 0
        self._silent_since = None
        self.noticed = held and self.noticed
        self.speaking = True

    def measured(self, speech_ms: int) -> None:
        """How much speech, without hangover, there was since the last onset."""
        self._since_onset_ms = speech_ms

    def ended(self, now: float, ago_ms: int) -> None:
        self.speaking = False
        self._silent_since = now
        self.last_at = now - ago_ms / 1000

    @property
    def heard_ms(self) -> int:
        return self._carried_ms + self._since_onset_ms

    @property
    def insists(self) -> bool:
        """So much speech is no backchannel."""
        return self.heard_ms >= INTERRUPT_MS and not self.hinted

    def given_up(self, now: float, *, words_expected: bool) -> bool:
        """Whether it has been silent for so long that a held reply may go on."""
        if self.speaking or self._silent_since is None:
            return False
        if self.hinted:
            return now - self._silent_since >= HINT_S
        return now - self._silent_since >= (WORDS_S if words_expected or self.noticed else UNHEARD_S)
