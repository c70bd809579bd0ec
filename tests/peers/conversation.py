"""The state machine of a realtime server: client events in, server events out, in the words of GA.

It knows no socket and no vendor: each peer translates at its edge. Events come in checked against the vendor's
types; here are the rules that only a conversation can check. Sources: sections 3 to 10 of the reference.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.peers.ears import Ears, Verdict
from tests.peers.faults import Event, Refused
from tests.peers.hearing import transcribed, user_item
from tests.peers.ids import new_id
from tests.peers.items import ItemList
from tests.peers.script import Asked, Heard, Reply, Script
from tests.peers.session import limits, merged, unchanged
from tests.peers.speaking import Speaking, Steps

__all__ = ["Conversation"]

MAX_AUDIO = 15 * 2**20


class Conversation:
    """One session. `take` gives, for a client event, streams of steps that run side by side."""

    def __init__(
        self,
        session: Event,
        script: Script,
        reply: Callable[[Asked], Reply],
        heard: Callable[[], Heard],
        number: int = 0,
    ) -> None:
        self.session = session
        self.id = new_id("conv")
        self.items = ItemList()
        self.ears = Ears()
        self.active: Speaking | None = None
        self.aside: list[Speaking] = []
        self._script = script
        self._reply = reply
        self._heard = heard
        self._number = number
        self._voiced = False
        self._next_item = new_id("item")
        self._understood = ""
        self._activity = 0
        """Grows with everything that ends an idle stretch."""

    def begin(self) -> Steps:
        """The first events of a connection (section 2)."""
        yield {"type": "session.created", "session": copy.deepcopy(self.session)}
        if self._script.conversation_created:
            yield {
                "type": "conversation.created",
                "conversation": {"id": self.id, "object": "realtime.conversation"},
            }

    def take(self, event: Event) -> Iterator[Steps]:
        """Each stream is to be run at once, its first events before anything else. Raises Refused."""
        self._settle()
        handlers: dict[str, Callable[[Event], Iterator[Steps]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete,
            "response.create": self._respond,
            "response.cancel": self._cancel,
            "output_audio_buffer.clear": self._no_playout,
        }
        return handlers[event["type"]](event)

    def speak(self, reply: Reply, params: Event | None = None) -> Steps:
        """A response that nobody on the wire asked for."""
        self._settle()
        if self.active:
            raise RuntimeError(f"{self.active.id} is still running")
        return self._start(reply, params or {})

    # ── session ───────────────────────────────────────────────────────────────────────────────────────────

    def _update(self, event: Event) -> Iterator[Steps]:
        change = event["session"]
        limits(change, "session")
        unchanged(self.session, change, voiced=self._voiced, running=self.active is not None)
        self.session = merged(self.session, change)
        yield iter([{"type": "session.updated", "session": copy.deepcopy(self.session)}])

    # ── the caller's audio ────────────────────────────────────────────────────────────────────────────────

    @property
    def _turns(self) -> Event | None:
        found: Event | None = self.session["audio"]["input"]["turn_detection"]
        return found

    def _append(self, event: Event) -> Iterator[Steps]:
        if len(event["audio"]) > MAX_AUDIO:
            raise Refused(
                "string_above_max_length",
                "Invalid 'audio': at most 15 MiB in one event.",
                rule="5, input_audio_buffer.append: at most 15 MiB",
                param="audio",
            )
        try:
            audio = base64.b64decode(event["audio"], validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                "invalid_value",
                "Invalid 'audio'. Expected base64-encoded audio bytes.",
                rule="5, input_audio_buffer.append: base64",
                param="audio",
            ) from None
        kind = self.session["audio"]["input"]["format"]["type"]
        for verdict in self.ears.append(audio, kind, self._turns):
            yield from self._turn(verdict)

    def _turn(self, verdict: Verdict) -> Iterator[Steps]:
        turns = self._turns or {}
        if verdict.kind == "started":
            self._activity += 1
            yield iter([self._speech("started", audio_start_ms=verdict.ms)])
            if turns["interrupt_response"] and self.active and not self.active.stopped:
                yield self.active.cut("turn_detected")
            return
        yield iter([self._speech("stopped", audio_end_ms=verdict.ms)])
        yield from self._turn_over(self.ears.take())
        if turns["create_response"] and not (self.active and not self.active.over):
            yield self._start(self._chosen({}, automatic=True), {})

    def _speech(self, verb: str, **times: int) -> Event:
        return {"type": f"input_audio_buffer.speech_{verb}", **times, "item_id": self._next_item}

    def _turn_over(self, audio_ms: float) -> Iterator[Steps]:
        """What was heard becomes the user's item; its words follow when they are known."""
        self._activity += 1
        item = user_item(self._next_item)
        self._next_item = new_id("item")
        previous = self.items.last_id
        self.items.add(item).audio_ms = audio_ms
        committed = {
            "type": "input_audio_buffer.committed",
            "item_id": item["id"],
            "previous_item_id": previous,
        }
        yield iter([committed, *self._entered(item)])
        heard = self._heard()
        self._understood = heard.text
        transcription = self.session["audio"]["input"]["transcription"]
        if transcription:
            yield transcribed(item, heard, transcription, audio_ms)

    def _commit(self, event: Event) -> Iterator[Steps]:
        yield from self._turn_over(self.ears.commit())

    def _clear(self, event: Event) -> Iterator[Steps]:
        self.ears.take()
        yield iter([{"type": "input_audio_buffer.cleared"}])

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────

    def _entered(self, item: Event) -> list[Event]:
        previous = self.items.before(item["id"])
        return [
            {"type": f"conversation.item.{verb}", "previous_item_id": previous, "item": copy.deepcopy(item)}
            for verb in ("added", "done")
        ]

    def _create(self, event: Event) -> Iterator[Steps]:
        kept = self.items.create(event, new_id("item"))
        yield iter(self._entered(kept.item))

    def _retrieve(self, event: Event) -> Iterator[Steps]:
        yield iter([{"type": "conversation.item.retrieved", "item": self.items.retrieve(event["item_id"])}])

    def _truncate(self, event: Event) -> Iterator[Steps]:
        self.items.truncate(event)
        echoed: dict[str, Any] = {key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
        yield iter([{"type": "conversation.item.truncated", **echoed}])

    def _delete(self, event: Event) -> Iterator[Steps]:
        self.items.delete(event["item_id"])
        yield iter([{"type": "conversation.item.deleted", "item_id": event["item_id"]}])

    # ── responses ─────────────────────────────────────────────────────────────────────────────────────────

    def _respond(self, event: Event) -> Iterator[Steps]:
        params = event.get("response") or {}
        limits(params, "response")
        for item in params.get("input") or []:
            if item["type"] == "item_reference":
                self.items.retrieve(item["id"])
            else:
                self.items.check(item)
        if params.get("conversation") not in (None, "auto", "none"):
            raise Refused(
                "invalid_value",
                "Supported values are: 'auto', 'none'.",
                rule="5.1, conversation",
                param="response.conversation",
            )
        if self.active and params.get("conversation") != "none":
            raise Refused(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self.active.id}. "
                "Wait until the response is finished before creating a new one.",
                rule="5.1, one response at a time",
            )
        yield self._start(self._chosen(params, automatic=False), params)

    def _start(self, reply: Reply, params: Event) -> Steps:
        script = self._script
        speaking = Speaking(
            reply,
            params,
            copy.deepcopy(self.session),
            self.items,
            self.id,
            script.order,
            script.rate_limits,
        )
        if speaking.out_of_band:
            self.aside.append(speaking)
        else:
            self.active = speaking
        self._activity += 1
        return self._until_idle(speaking)

    def _until_idle(self, speaking: Speaking) -> Steps:
        """A response, and what comes of the silence after it where `idle_timeout_ms` is set (section 3.3)."""
        yield from speaking.steps()
        idle_ms = (self._turns or {}).get("idle_timeout_ms")
        if not idle_ms or speaking.out_of_band or speaking.stopped:
            return
        before = self._activity
        # Counted from the moment the audio has been played; here all of it was sent at once.
        yield (sum(kept.audio_ms for kept in speaking.output) + idle_ms) / 1000
        if self._activity != before:
            return
        end_ms = self.ears.total_ms
        times = {"audio_start_ms": max(0, end_ms - idle_ms), "audio_end_ms": end_ms}
        yield {"type": "input_audio_buffer.timeout_triggered", **times, "item_id": self._next_item}
        for steps in self._turn_over(self.ears.take()):
            yield from steps
        self._settle()
        yield from self._start(self._chosen({}, automatic=True), {})

    def _chosen(self, params: Event, *, automatic: bool) -> Reply:
        tools = params.get("tools") or self.session["tools"]
        asked = Asked(
            connection=self._number,
            automatic=automatic,
            response=copy.deepcopy(params),
            instructions=params.get("instructions") or self.session["instructions"] or "",
            items=tuple(copy.deepcopy(kept.item) for kept in self.items.kept),
            heard=self._understood,
            tools=tuple(tool["name"] for tool in tools if tool.get("type") == "function"),
        )
        return self._reply(asked)

    def _cancel(self, event: Event) -> Iterator[Steps]:
        running = [one for one in (self.active, *self.aside) if one and not one.stopped]
        wanted = event.get("response_id")
        found = next((one for one in running if wanted in (None, one.id)), None)
        if found is None:
            raise Refused(
                "response_cancel_not_active",
                "Cancellation failed: no active response found",
                rule="10, response_cancel_not_active",
                harmless=True,
            )
        yield found.cut("client_cancelled")

    def _no_playout(self, event: Event) -> Iterator[Steps]:
        raise Refused(
            "invalid_value",
            "output_audio_buffer.clear is for WebRTC and SIP only.",
            rule="5, output_audio_buffer.clear",
            param="type",
        )

    def _settle(self) -> None:
        """Forgets responses that are over."""
        if self.active:
            self._voiced = self._voiced or self.active.audio_begun
            if self.active.over:
                self.active = None
        self.aside = [one for one in self.aside if not one.over]
