"""A link takes force: it is given the conversation so far, the caller's unanswered audio, and what is owed. Pure.

The order is what keeps the conversation in order: items and committed speech as they stand in it, then what the call
asked for meanwhile, then the audio as it comes, then the reply that is owed. While committed speech is given again,
turn detection is off, so that every commit is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.continuity.effects import Effect, Live, Replay, ToModel
from gateway.continuity.history import Entry
from gateway.continuity.outward import Outward
from gateway.continuity.pending import Wish
from gateway.continuity.refusals import Refusals
from gateway.continuity.seeding import Heard, Written, outline
from gateway.continuity.state import State
from personas.prompt import CARRY_ON

__all__ = ["Entering", "Standby"]

CREATE = "conversation.item.create"
COMMIT = "input_audio_buffer.commit"
CLEAR = "input_audio_buffer.clear"


@dataclass(slots=True)
class Standby:
    """A link that is to take force: what it was opened with and given ahead."""

    link: int
    session: dict[str, Any]
    texts: dict[str, str] = field(default_factory=dict)
    """Items that it was given, and with which text, in order."""
    ids: dict[str, str] = field(default_factory=dict)
    """And under which ids."""
    calls: dict[str, str] = field(default_factory=dict)
    """Tool calls among them, and under which ids."""
    hidden: dict[str, str | None] = field(default_factory=dict)
    """Items of it that the call never hears of."""
    ready: bool = False
    provider: str = ""
    born_at: float = 0.0


class Entering:
    def __init__(self, state: State, refusals: Refusals, outward: Outward) -> None:
        self._state = state
        self._refusals = refusals
        self._outward = outward

    def ahead(self, standby: Standby) -> list[Effect]:
        """Give a link that is not in force yet what is settled of the conversation."""
        state = self._state
        steps = outline(state.history, state.history.outstanding.values(), lambda _: False)
        effects: list[Effect] = []
        for step in steps:
            if not isinstance(step, Written) or step.entry.open or not step.entry.done:
                break
            entry = step.entry
            for number, item in enumerate(step.items):
                theirs = state.ids.names.new("item")
                if number:
                    standby.hidden[theirs] = entry.id
                else:
                    standby.ids[entry.id] = theirs
                    standby.texts[entry.id] = entry.spoken
                item = {**item, "id": theirs}
                if "call_id" in item:
                    item["call_id"] = standby.calls.setdefault(item["call_id"], state.ids.names.new("call"))
                event = {"type": CREATE, "event_id": state.own_id(), "item": item}
                effects.append(ToModel(standby.link, event))
        return effects

    def enter(self, standby: Standby, now: float) -> list[Effect]:
        """From now on this is the link in force."""
        state = self._state
        state.link = standby.link
        state.entered += 1
        state.ids.renew()
        state.native.clear()
        state.seeded.clear()
        state.arriving.clear()
        state.adopted.clear()
        state.hidden = dict(standby.hidden)
        state.carry_on = None
        state.own_updates = 0
        state.marks.renew()
        if state.first:
            return [Live(standby.link, state.marks.resume(after_ms=None)), *self._asked(now)]
        steps = outline(
            state.history, state.history.outstanding.values(), lambda i: state.marks.range_of(i) is not None
        )
        commits = state.pending.of(COMMIT, CLEAR)
        manual = state.marks.manual or not (commits or any(isinstance(step, Heard) for step in steps))
        effects: list[Effect] = [*self._updated(standby)]
        if not manual:
            effects += self._turns(None)
        effects += self._known(standby, steps)
        # What stands before something that is there already needs a place; the rest goes to the end.
        there = [at for at, step in enumerate(steps) if step.entry.id in state.seeded]
        inside = there[-1] if there else -1
        before: str | None = None
        for at, step in enumerate(steps):
            if isinstance(step, Heard):
                effects += self._hear(step.entry)
            elif step.entry.id not in state.seeded:
                effects += self._write(step, at < inside, before)
            before = step.entry.id
        effects += self._unheard()
        effects += self._carry_on(before)
        after_ms, asked = self._commits(commits)
        effects += asked
        effects += self._items()
        if not manual:
            effects += self._turns(state.inforce.turns)
        effects.append(Live(standby.link, state.marks.resume(after_ms=after_ms)))
        return [*effects, *self._asked(now)]

    # ── the conversation ──

    def _known(self, standby: Standby, steps: list[Written | Heard]) -> list[Effect]:
        """What the link was given ahead still holds, or goes again."""
        state = self._state
        now_told = {step.entry.id: step.entry.spoken for step in steps if isinstance(step, Written)}
        effects: list[Effect] = []
        for call_id, theirs in standby.calls.items():
            state.ids.calls.bind(theirs, call_id)
        for item_id, text in standby.texts.items():
            state.ids.items.bind(standby.ids[item_id], item_id)
            state.seeded[item_id] = text
            if now_told.get(item_id) != text:
                theirs = standby.ids[item_id]
                del state.seeded[item_id]
                state.hidden[theirs] = None
                effects.append(state.command("conversation.item.delete", item_id=theirs))
        return effects

    def _write(self, step: Written, inside: bool, before: str | None) -> list[Effect]:
        """Create an item; `inside`: after the one `before`, and not at the end."""
        state, entry = self._state, step.entry
        effects: list[Effect] = []
        wish = self._creating(entry)
        for number, told in enumerate(step.items):
            if number:
                theirs = state.ids.names.new("item")
                state.hidden[theirs] = entry.id
            else:
                theirs = state.ids.items.for_seeding(entry.id)
                state.seed(entry.id, entry.spoken)
            item = {**told, "id": theirs}
            if "call_id" in item:
                item["call_id"] = state.ids.calls.for_pair(item["call_id"])
            command = state.command(CREATE, item=item)
            if inside:
                place = "root" if before is None else state.ids.items.outward(before)
                command.event["previous_item_id"] = place
            if wish is not None:
                wish.sent = True
                command.event["event_id"] = wish.event_id
            effects.append(command)
        return effects

    def _creating(self, entry: Entry) -> Wish | None:
        return next((w for w in self._state.pending.of(CREATE) if w.item_id == entry.id), None)

    def _hear(self, entry: Entry) -> list[Effect]:
        """Give the caller's audio of this item, and commit it."""
        state = self._state
        found = state.marks.range_of(entry.id)
        if found is None or state.link is None:
            return []
        state.marks.replay(*found)
        commit = state.command(COMMIT)
        state.adopted.append((commit.event["event_id"], entry.id))
        return [Replay(state.link, *found), commit]

    def _unheard(self) -> list[Effect]:
        """Speech whose words are still waited for, and whose audio is gone."""
        state = self._state
        adopted = {item_id for _, item_id in state.adopted}
        return [
            self._refusals.unheard(entry)
            for entry in state.history
            if entry.open and entry.role == "user" and entry.voiced and entry.id not in adopted
        ]

    def _carry_on(self, last_id: str | None) -> list[Effect]:
        """Have the provider go on where its predecessor broke off, unless the conversation has gone on by itself."""
        state = self._state
        broken = state.history.find(state.replies.unfinished)
        if broken is None or not broken.spoken or broken.id != last_id:
            state.replies.unfinished = None
            return []
        theirs = state.ids.names.new("item")
        state.hidden[theirs] = broken.id
        state.carry_on = theirs
        content = [{"type": "input_text", "text": CARRY_ON}]
        item = {"id": theirs, "type": "message", "role": "system", "content": content}
        return [state.command(CREATE, item=item)]

    # ── what the call asked for ──

    def _updated(self, standby: Standby) -> list[Effect]:
        """The session as it is by now; what was asked of its predecessor is thereby done."""
        state = self._state
        effects: list[Effect] = []
        if standby.session != state.inforce.session:
            state.own_updates += 1
            effects.append(state.command("session.update", session=state.inforce.session))
        for wish in state.pending.of("session.update"):
            state.pending.remove(wish)
            state.inforce.accepted(wish.event_id)
            session = {"object": "realtime.session", **state.inforce.session}
            effects.append(state.tell({"type": "session.updated", "session": session}))
        return effects

    def _turns(self, turns: dict[str, Any] | None) -> list[Effect]:
        state = self._state
        state.own_updates += 1
        session = {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
        return [state.command("session.update", session=session)]

    def _commits(self, wishes: list[Wish]) -> tuple[int | None, list[Effect]]:
        """What the call itself committed and cleared, at the same places of its audio."""
        state = self._state
        effects: list[Effect] = []
        place: int | None = None
        for wish in wishes:
            from_ms = max(state.marks.settled_ms if place is None else place, state.marks.oldest_ms)
            place = wish.at_ms
            if wish.kind == COMMIT and state.link is not None and place > from_ms:
                state.marks.replay(from_ms, place)
                effects.append(Replay(state.link, from_ms, place))
            if wish.kind == COMMIT:
                state.adopted.append((wish.event_id, None))
            effects += self._outward.send(wish)
        return place, effects

    def _items(self) -> list[Effect]:
        """Items that cannot have been seeded: the provider is to refuse them itself."""
        wishes = [w for w in self._state.pending.of(CREATE) if not w.sent]
        return [effect for wish in wishes for effect in self._outward.send(wish)]

    def _asked(self, now: float) -> list[Effect]:
        """The replies that were asked for, and the one that nobody needs to ask for."""
        state = self._state
        if state.replies.owed:
            state.replies.owed = False
            speaks_on = state.marks.speech is not None and state.inforce.answers
            if not speaks_on and not any(not w.beside for w in state.pending.of("response.create")):
                state.wish({"type": "response.create"}, now, own=True)
        for wish in state.pending.of("response.create"):
            wish.since = now
        rest = [w for w in state.pending if not w.sent and w.kind not in ("response.create",)]
        effects = [effect for wish in rest for effect in self._outward.send(wish)]
        return [*effects, *self._outward.release(now)]
