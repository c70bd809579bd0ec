"""What a session that lasts knows: one object that its parts share. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.continuity.effects import Tell, ToModel
from gateway.continuity.history import History
from gateway.continuity.ids import Ids
from gateway.continuity.inforce import InForce
from gateway.continuity.marks import Marks
from gateway.continuity.pending import OWN, Pending, Wish
from gateway.continuity.replies import Replies
from gateway.ports import Event
from media.audio import PCM24, AudioFormat

__all__ = ["CoreSettings", "Phrase", "State"]

Phrase = tuple[str, bytes]
"""Words, and the same in the call's format."""


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What a core is made with. Times in seconds."""

    session: dict[str, Any]
    """What the call wants in force from the start."""
    seed: str = "0"
    """Of the ids that are made here: another one for every call, of at most 12 letters and digits."""
    stall_s: float = 8.0
    """A provider that owes something and says nothing for so long counts as lost."""
    rollover_s: float = 3300.0
    """The age at which a link is replaced, at the next turn boundary."""
    form: AudioFormat = PCM24
    """Of the call's audio."""
    phrase: Callable[[str], Phrase | None] = lambda _: None
    """Voice → the bridging phrase."""


class State:
    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        self.ids = Ids(settings.seed)
        self.history = History(settings.form)
        self.marks = Marks(settings.form)
        self.pending = Pending()
        self.replies = Replies()
        self.inforce = InForce(settings.session)
        self.marks.manual = self.inforce.turns is None
        self.link: int | None = None
        """The link in force; None while there is none."""
        self.entered = 0
        """How many links have taken force."""
        self.native: set[str] = set()
        """Items that came about on the link in force: its provider has them whole, with their audio."""
        self.seeded: dict[str, str] = {}
        """Items that the provider in force was given as text: item → that text."""
        self.arriving: set[str] = set()
        """Those of them that it has not told yet to be there."""
        self.adopted: deque[tuple[str, str | None]] = deque()
        """Commits that were made in the call's place, in order: event id, and the item that the call knows already
        (None: it is to hear of it)."""
        self.hidden: dict[str, str | None] = {}
        """Items of the provider in force that the call never hears of, by its ids, and the item before each as the call
        knows it."""
        self.carry_on: str | None = None
        """One of these: what tells it to go on where its predecessor broke off."""
        self.own_updates = 0
        """`session.updated` still to come that answer nobody but us."""
        self.conversation_id: str | None = None

    @property
    def first(self) -> bool:
        """Whether the first link is in force: then everything means on both sides the same."""
        return self.entered == 1

    def own_id(self) -> str:
        """For a client event of our own."""
        return self.ids.names.new(OWN.rstrip("_"))

    def wish(self, event: Event, now: float, *, own: bool = False) -> Wish:
        """Note down a client event that is to be answered. It has an `event_id` from now on."""
        named = event.get("event_id") is not None
        event_id = str(event["event_id"]) if named else self.own_id()
        event = {**event, "event_id": event_id}
        wish = Wish(event, event_id, named, own, self.marks.total_ms, now)
        self.pending.add(wish)
        return wish

    def succeed(self, session: dict[str, Any]) -> None:
        """Another agent takes over, with this session. What was said until now stays with the one before: no provider
        is told of it any more, but of what the caller said last, when nobody has answered it."""
        self.inforce = InForce(session)
        self.marks.manual = self.inforce.turns is None
        for wish in self.pending.of("session.update"):
            self.pending.remove(wish)
        self.replies.unfinished = None
        answered = False
        for entry in reversed(list(self.history)):
            answered = answered or entry.kind != "message" or entry.role != "user"
            entry.mute = entry.mute or answered

    # ── out ──

    def tell(self, event: Event) -> Tell:
        """To the call, with an `event_id` where it has none; what it makes of responses is noted."""
        if "event_id" not in event:
            event = {"type": event["type"], "event_id": self.ids.names.new("event"), **event}
        self.replies.tell(event)
        return Tell(event)

    def command(self, kind: str, **fields: Any) -> ToModel:
        """To the provider in force, in our own name."""
        assert self.link is not None
        return ToModel(self.link, {"type": kind, "event_id": self.own_id(), **fields})

    def fault(self, wish: Wish | Event, code: str, message: str, param: str | None = None) -> Tell:
        """An `error` about what the call sent."""
        event_id = (
            (wish.event_id if wish.named else None) if isinstance(wish, Wish) else wish.get("event_id")
        )
        told = {
            "type": "invalid_request_error", "code": code, "message": message, "param": param,
            "event_id": event_id,
        }  # fmt: skip
        return self.tell({"type": "error", "error": told})

    def seed(self, item_id: str, text: str) -> None:
        """The provider in force is given an item, as this text."""
        self.seeded[item_id] = text
        self.arriving.add(item_id)

    def knows(self, item_id: str) -> bool:
        """Whether the provider in force has this item of the call's."""
        return item_id in self.native or item_id in self.seeded

    @property
    def awaits_tool(self) -> bool:
        """Whether a tool runs that a lost provider called: its successor hears of it with the result, and is asked for
        nothing before."""
        return any(item_id not in self.native for item_id in self.history.outstanding.values())
