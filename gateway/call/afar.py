"""What is heard of an agent whose sound does not pass here: the client plays it, or the provider to a telephone. Pure.

They tell what was heard, or it is reckoned from the clock.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.call.desk import Truncation
from gateway.call.effects import Effect, Note, ToModel
from gateway.call.front import Front
from gateway.call.postmarks import Sender
from gateway.call.reckoning import Reckoning
from gateway.call.scribe import Scribe
from gateway.ports import Event

__all__ = ["Afar"]


class Afar:
    def __init__(self, scribe: Scribe, front: Front, ms: Callable[[float], int]) -> None:
        """`ms`: milliseconds of the call."""
        self._scribe = scribe
        self._front = front
        self._ms = ms
        self.reckoning = Reckoning()

    # ── the client plays it ──

    def began(self, item_id: str, response_id: str, now: float) -> None:
        """The first audio of an item came."""
        self.reckoning.began(item_id, response_id, now)
        self._scribe.agent_began(item_id, response_id, self._ms(now))
        self._scribe.agent[item_id].begun = True

    def passed(self, now: float, out: list[Effect]) -> None:
        """Time passed: so much of what is open was heard."""
        for item_id in self._scribe.open_items():
            self.reckoning.worded(item_id, len(self._scribe.agent[item_id].text))
            out += self._scribe.played(self.reckoning.of(item_id, now), self._ms(now))

    def cut(self, item_ids: list[str], now: float, out: list[Effect]) -> None:
        """The client stops playing these, if it obeys the protocol; how much of them it had played is reckoned."""
        cut = False
        for item_id in item_ids:
            progress = self.reckoning.of(item_id, now)
            if progress.drained:
                continue
            # The scribe has to know the figures before it divides the words.
            out += self._scribe.played(progress, self._ms(now))
            out += self._scribe.interrupted(item_id, progress.heard_ms, self._ms(now))
            cut = True
        if cut:
            out.append(Note("interruptions"))

    def truncate(self, truncation: Truncation, sender: Sender, now: float, out: list[Effect]) -> None:
        """The client tells how much of an item it played: no more than it was sent."""
        item_id, end_ms = truncation.item_id, truncation.audio_end_ms
        sent_ms = self.reckoning.sent_ms(item_id)
        if sent_ms is not None and truncation.content_index != 0:
            told = f"Item '{item_id}' has no audio at content index {truncation.content_index}."
            out.append(self._front.fault(sender, "invalid_value", told, param="content_index"))
            return
        if sent_ms is not None and end_ms > sent_ms:
            told = f"Audio content of {sent_ms}ms is already shorter than {end_ms}ms."
            out.append(self._front.fault(sender, "invalid_value", told, param="audio_end_ms"))
            return
        # An item without audio is the model's to judge: it knows all of them.
        out.append(ToModel(truncation.event))
        if sent_ms is None:
            return
        line = self._scribe.agent[item_id]
        if not line.interrupted:
            out.append(Note("interruptions"))
        if not line.closed:
            out += self._scribe.played(self.reckoning.of(item_id, now), self._ms(now))
        out += self._scribe.told(item_id, end_ms, self._ms(now))
        self.reckoning.cut(item_id, end_ms)

    def end(self, now: float, out: list[Effect]) -> None:
        """The call is over: no more of it is heard."""
        for item_id in self._scribe.open_items():
            progress = self.reckoning.of(item_id, now)
            out += self._scribe.played(progress, self._ms(now))
            out += self._scribe.interrupted(item_id, progress.heard_ms, self._ms(now))

    # ── the provider plays it ──

    def sounds(self, response_id: str, now: float) -> str | None:
        """A response begins to be heard: the item that is, which is its latest message; None where it has none."""
        lines = [item_id for item_id, line in self._scribe.agent.items() if line.response_id == response_id]
        if not lines:
            return None
        self.reckoning.began(lines[-1], response_id, now, afar=True)
        return lines[-1]

    def silent(self, event: Event, now: float, out: list[Effect]) -> None:
        """It has played all of it; or it was cut off, by the caller as a rule."""
        of_it = [
            i
            for i in self._scribe.open_items()
            if self._scribe.agent[i].response_id == event["response_id"]
        ]
        if event["type"].endswith(".cleared"):
            self.cut(of_it, now, out)
        self.reckoning.stopped(event["response_id"], now)
        for item_id in of_it:
            out += self._scribe.played(self.reckoning.of(item_id, now), self._ms(now))

    def truncated(self, event: Event, now: float, out: list[Effect]) -> None:
        """It tells how much of the item was heard, which is better than what was reckoned."""
        if self.reckoning.afar(event["item_id"]):
            out += self._scribe.told(event["item_id"], event["audio_end_ms"], self._ms(now))
