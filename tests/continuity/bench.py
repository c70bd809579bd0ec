"""A core between peers and a listener; time, audio and deliveries move when told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.continuity.core import Core
from gateway.continuity.effects import Close, Effect, GiveUp, Live, Open, Proven, Replay, Tell, ToModel
from gateway.continuity.state import CoreSettings, Phrase
from gateway.ports import Event
from tests.continuity.listener import Listener
from tests.continuity.peer import SESSION, Peer

__all__ = ["PHRASE", "Bench"]

PHRASE: Phrase = ("One moment, please.", bytes(48 * 1200))


class Bench:
    def __init__(
        self,
        *,
        names: Callable[[int], str] = lambda link: f"p{link}_",
        phrase: Phrase | None = PHRASE,
        session: dict[str, Any] = SESSION,
        open_at_once: bool = True,
        **settings: Any,
    ) -> None:
        self.now = 1000.0
        self.names = names
        self.listener = Listener()
        self.open_at_once = open_at_once
        self.opens: list[Open] = []
        self.closed: dict[int, str] = {}
        self.peers: dict[int, Peer] = {}
        self.given: dict[int, list[tuple[str, int, int]]] = {}
        """By link: stretches of the caller's audio that it got, and from where it gets it live."""
        self.proven: list[int] = []
        self.gave_up = False
        self.total_ms = 0
        self.core = Core(CoreSettings(session, seed="s", phrase=lambda _: phrase, **settings), self.now)
        self.do(self.core.start())

    # effects

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert not self.gave_up or isinstance(effect, Tell), f"{effect} after giving up"
            match effect:
                case Tell(event):
                    self.listener.tell(event)
                case ToModel(link, event):
                    self.peers[link].receive(event)
                case Replay(link, from_ms, to_ms):
                    assert 0 <= from_ms < to_ms <= self.total_ms
                    self.given[link].append(("replay", from_ms, to_ms))
                    self.peers[link].hear(to_ms - from_ms)
                case Live(link, from_ms):
                    assert 0 <= from_ms <= self.total_ms
                    self.given[link].append(("live", from_ms, self.total_ms))
                    self.peers[link].hear(self.total_ms - from_ms)
                case Open():
                    self.opens.append(effect)
                    if self.open_at_once:
                        self.open()
                case Close(link, why):
                    self.closed[link] = why
                    self.listener.changes += 1
                case Proven(link):
                    self.proven.append(link)
                case GiveUp():
                    self.gave_up = True

    # the shell

    @property
    def pending(self) -> Open | None:
        """The link that is to be opened."""
        last = self.opens[-1]
        return None if last.link in self.peers or last.link in self.closed else last

    def open(self) -> None:
        """The provider asked for is there."""
        wanted = self.pending
        assert wanted is not None
        link = wanted.link
        self.peers[link] = Peer(self.names(link), wanted.session)
        self.given[link] = []
        self.do(self.core.opened(link, f"provider{link}", self.now))

    def fail(self) -> None:
        wanted = self.pending
        assert wanted is not None
        self.closed[wanted.link] = "failed"
        self.do(self.core.failed(wanted.link, f"provider{wanted.link}", self.now))

    @property
    def link(self) -> int:
        assert self.core.link is not None
        return self.core.link

    @property
    def peer(self) -> Peer:
        return self.peers[self.link]

    def deliver(self, count: int = 10_000, link: int | None = None) -> None:
        """The call hears what the provider said, oldest first."""
        number = link or self.core.link
        while count and number is not None and number in self.peers and self.peers[number].out:
            event = self.peers[number].out.pop(0)
            self.do(self.core.model(number, event, self.now))
            count -= 1

    def lose(self) -> None:
        """The link in force breaks; what it had said last never arrives."""
        link = self.link
        self.peers[link].out.clear()
        self.do(self.core.lost(link, self.now))

    def pass_time(self, seconds: float) -> None:
        """With the caller's audio, 20 ms frames as one."""
        for _ in range(round(seconds / 0.25)):
            self.now += 0.25
            self.hear(250)
            self.do(self.core.tick(self.now))

    def hear(self, ms: int) -> None:
        self.total_ms += ms
        self.core.audio(48 * ms)
        if self.core.link is not None:
            self.peer.hear(ms)

    # the call

    def send(self, kind: str, **fields: Any) -> None:
        event: Event = {"type": kind, **fields}
        self.do(self.core.client(event, self.now))

    def ask(self, **response: Any) -> None:
        if response:
            self.send("response.create", event_id="ask", response=response)
        else:
            self.send("response.create", event_id="ask")

    # what happens in a call

    def turn(self, text: str | None, seconds: float = 1.0) -> None:
        """The caller says something, which the provider takes as a turn."""
        self.peer.onset()
        self.deliver()
        self.pass_time(seconds)
        self.peer.offset()
        if text is not None:
            self.peer.transcribe(text)
        self.deliver()

    def reply(self, words: int = 4) -> None:
        """The provider says its reply to the end."""
        self.peer.open_message()
        self.peer.speak(words)
        self.peer.finish()
        self.deliver()
