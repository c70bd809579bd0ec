"""The course of one call, and what it comes to: told as it happens, summed up at the end. Pure; times come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.softphone.caller import Act, Ear
from gateway.softphone.orders import Broken

__all__ = ["Course", "Event", "Rule", "Summary"]

ALL_RULES = 50
"""Broken rules that are told one by one; more are counted."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, `at` seconds after the call began."""

    at: float
    kind: str
    text: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the carrier's documents that the server broke."""

    at: float
    told: str
    where: str


@dataclass(slots=True)
class Summary:
    """All times in milliseconds."""

    carrier: str
    connected: bool = False
    """A media stream was open."""
    seconds: float = 0.0
    ended: str = ""
    """By whom, and how."""
    webhook_ms: float | None = None
    """Voice webhook → its answer."""
    greeting_ms: float | None = None
    """Start of the stream → first sound."""
    reply_ms: list[float] = field(default_factory=list)
    """The caller's last word → the agent's first sound, of each reply."""
    interruption_ms: list[float] = field(default_factory=list)
    """The caller's first word over the agent → `clear`."""
    heard_s: float = 0.0
    """Of the agent, without pauses."""
    lead_ms: float = 0.0
    """The most that the server was ahead of real time."""
    underruns: int = 0
    underrun_ms: float = 0.0
    marks: int = 0
    marks_played: int = 0
    marks_cleared: int = 0
    clears: int = 0
    cleared_ms: float = 0.0
    """Audio that was thrown away by them."""
    unplayed_ms: float = 0.0
    """Audio that waited when the server closed the stream."""
    keys: str = ""
    rtt_ms: list[float] = field(default_factory=list)
    transferred: str = ""
    rules: list[Rule] = field(default_factory=list)
    more_rules: int = 0
    skipped: list[str] = field(default_factory=list)
    failed: str = ""
    """Why there was no call, and what to do."""

    @property
    def good(self) -> bool:
        """The call was held as the carrier wants it, and the caller could do what was asked."""
        silent = self.connected and not self.heard_s
        return not (self.failed or self.rules or self.skipped or silent)

    def as_dict(self) -> dict[str, Any]:
        return {"event": "summary", "good": self.good, **_rounded(asdict(self))}


class Course:
    """Told what happens; tells `out` of it, and keeps the `summary`."""

    def __init__(self, carrier: str, began: float, out: Callable[[Event], None]) -> None:
        self.summary = Summary(carrier)
        self._began = began
        self._out = out
        self._stream: float | None = None
        self._last_word: float | None = None
        self._answered = True
        """The agent has spoken since the caller's last word."""
        self._over_agent: float | None = None
        """The caller speaks over the agent, since then."""
        self._voiced = False

    def tell(self, now: float, kind: str, text: str, **facts: Any) -> None:
        self._out(Event(now - self._began, kind, text, facts))

    # ── before the stream and after it ────────────────────────────────────────────────────────────────────

    def webhook(self, now: float, took_s: float, what: str) -> None:
        if self.summary.webhook_ms is None:
            self.summary.webhook_ms = took_s * 1000
        self.tell(
            now, "answer", f"the server answers after {took_s * 1000:.0f} ms: {what}", ms=took_s * 1000
        )

    def streaming(self, now: float, took_s: float, what: str) -> None:
        self.summary.connected = True
        if self._stream is None:
            self._stream = now
        self.tell(
            now, "stream", f"media socket open after {took_s * 1000:.0f} ms: {what}", ms=took_s * 1000
        )

    def broken(self, now: float, rule: Broken) -> None:
        if len(self.summary.rules) >= ALL_RULES:
            self.summary.more_rules += 1
            return
        self.summary.rules.append(Rule(now - self._began, rule.told, rule.where))
        self.tell(
            now, "broken", f"against the carrier's rules: {rule.told} ({rule.where})", where=rule.where
        )

    def failed(self, now: float, why: str) -> None:
        self.summary.failed = why
        self.tell(now, "failed", why)

    def ended(self, now: float, how: str) -> None:
        self.summary.ended = how
        self.summary.seconds = now - self._began
        self.tell(now, "ended", how)

    # ── the conversation ──────────────────────────────────────────────────────────────────────────────────

    def caller(self, now: float, act: Act, ear: Ear) -> None:
        """20 ms that the caller sends now."""
        if act.begins:
            over = " over the agent" if ear.speaking else ""
            self.tell(now, "caller-speaks", f"you: {act.begins}{over}", name=act.begins)
        if act.voiced:
            if not self._voiced and ear.speaking and self._over_agent is None:
                self._over_agent = now
            self._last_word, self._answered = now + 0.02, False
        self._voiced = act.voiced
        if act.ends:
            self.tell(now, "caller-silent", "you are silent")
        if act.key:
            self.summary.keys += act.key
            self.tell(now, "key", f"key {act.key}", key=act.key)
        if act.skipped:
            self.summary.skipped.append(act.skipped)
            self.tell(now, "skipped", f"not done: {act.skipped}")

    def agent(self, now: float, ear: Ear) -> None:
        """The agent began or ceased to speak."""
        if not ear.speaking:
            self._over_agent = None
            self.tell(ear.since, "agent-silent", "the agent is silent")
            return
        said = "the agent speaks"
        if self.summary.greeting_ms is None and self._stream is not None:
            self.summary.greeting_ms = (ear.since - self._stream) * 1000
            said += f", {self.summary.greeting_ms:.0f} ms after the stream began"
            self.tell(ear.since, "agent-speaks", said, ms=self.summary.greeting_ms)
        elif not self._answered and self._last_word is not None and ear.since >= self._last_word:
            wait = (ear.since - self._last_word) * 1000
            self.summary.reply_ms.append(wait)
            self.tell(ear.since, "agent-speaks", f"{said}, {wait:.0f} ms after your last word", ms=wait)
        else:
            self.tell(ear.since, "agent-speaks", said)
        self._answered = True

    def clear(self, now: float, dropped_s: float, marks: int) -> None:
        summary = self.summary
        summary.clears += 1
        summary.cleared_ms += dropped_s * 1000
        summary.marks_cleared += marks
        text = f"clear: {dropped_s * 1000:.0f} ms of audio thrown away"
        if self._over_agent is not None:
            wait = (now - self._over_agent) * 1000
            summary.interruption_ms.append(wait)
            self._over_agent = None
            text += f", {wait:.0f} ms after your first word"
        self.tell(now, "clear", text, ms=dropped_s * 1000)

    def mark(self, now: float, name: str, *, played: bool) -> None:
        if played:
            self.summary.marks_played += 1
            self.tell(now, "mark", f"mark {name} was played", name=name)
        else:
            self.summary.marks += 1

    def round_trip(self, now: float, seconds: float) -> None:
        self.summary.rtt_ms.append(seconds * 1000)
        self.tell(now, "rtt", f"round trip {seconds * 1000:.1f} ms", ms=seconds * 1000)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return value
