"""Where the client's events are received: checked, judged by the persona's policy, answered or passed on. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from gateway.call.effects import Remark, ToLeg, ToModel
from gateway.call.front import Front
from gateway.call.inputs import LEG
from gateway.call.policy import (
    TRANSCRIPTION,
    kept_in_language,
    may_change,
    may_create_item,
    may_delete_items,
    response_keys,
)
from gateway.call.postmarks import Sender
from gateway.call.scribe import Scribe
from gateway.call.sessions import CoreSettings, in_language, succeeded_session, upstream_session
from gateway.ports import Event
from gateway.realtime.events import parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.session import merge_session, turn_detection_of
from personas.persona import Persona, SessionPolicy

__all__ = ["CLIENT_FORMATS", "FORMATS", "Answer", "Desk", "Truncation"]


FORMATS = {"audio.input.format", "audio.output.format"}
"""Leaves that are between the client and its leg: the model always gets and gives PCM at 24 kHz."""

PLAYED_FORMATS = frozenset({"audio/pcm"})
"""What a gateway-played leg may be told: its media has a format of its own."""

CLIENT_FORMATS = frozenset({"audio/pcm", "audio/pcmu", "audio/pcma"})


@dataclass(frozen=True, slots=True)
class Truncation:
    """A client says how much of an item it played."""

    item_id: str
    content_index: int
    audio_end_ms: int
    event: Event
    """To be forwarded when it is right."""


@dataclass(slots=True)
class Answer:
    """What follows from one client event."""

    sender: Sender
    effects: list[ToLeg | ToModel | Remark] = field(default_factory=list)
    cancel: bool = False
    cancelled_id: str | None = None
    """The response that `cancel` names, if it names one."""
    clear: bool = False
    reply: dict[str, Any] | None = None
    truncation: Truncation | None = None
    given: str | None = None
    """The call of a client's own tool whose result it gave."""


class Desk:
    """Holds the session as the clients see it."""

    def __init__(self, settings: CoreSettings, front: Front, *, plays: bool = True) -> None:
        """`plays`: the gateway plays the audio (`gateway.ports.Leg.plays`), so it takes the turns too."""
        self.session = settings.session
        self._persona = settings.persona
        self._server_tools = settings.server_tools
        self._server_names = frozenset(t["name"] for t in settings.server_tools)
        self._front = front
        self._plays = plays
        self._notes = settings.notes
        self._gateway_turns = plays and settings.persona.turns == "gateway"
        self._items = 0
        self.spoken = False
        """The agent has been heard: its voice is fixed."""
        self.speaking = False
        """A response runs: the speed cannot change now."""
        self.rewritten = False
        """The client gave the agent other instructions: what the persona would say of its own is out of place."""
        self.opening = self._adopt(settings.wanted) if settings.wanted else []
        """What is to be written down of the client's first wishes."""

    @property
    def creates(self) -> bool:
        """Whether the caller's turn is answered without being asked."""
        vad = turn_detection_of(self.session)
        return vad is not None and vad.create_response

    @property
    def interrupts(self) -> bool:
        """Whether the caller's speech may end a reply."""
        vad = turn_detection_of(self.session)
        return vad is not None and vad.interrupt_response

    def runs(self, tool: str) -> bool:
        """Whether the server runs this tool (the client runs its own)."""
        return tool in self._front.server_tools

    def receive(self, message: str, scribe: Scribe, origin: int = LEG) -> Answer:
        """Judge one message of a client. Never raises: a fault becomes an `error` event for its sender. A sideband
        holds a server key, so for it no policy is stricter than `open`."""
        answer = Answer(Sender(origin, None))
        try:
            event = parse_client_event(message)
            sent: Event = event.model_dump(exclude_unset=True)
            answer.sender = Sender(origin, sent.get("event_id"))
            self._judge(sent, scribe, answer)
        except ProtocolFault as fault:
            sender = Sender(origin, answer.sender.event_id or fault.event_id)
            told = self._front.fault(sender, fault.code, fault.message, param=fault.param, kind=fault.kind)
            return Answer(sender, [told])
        return answer

    def _judge(self, event: Event, scribe: Scribe, answer: Answer) -> None:
        sideband = answer.sender.origin != LEG
        policy = SessionPolicy.OPEN if sideband else self._persona.policy
        match event["type"]:
            case "session.update":
                self._update(event, policy, answer)
            case "input_audio_buffer.append":
                where = "on the call's own connection" if sideband or not self._plays else "as RTP"
                raise _unsupported(f"This call's audio travels {where}, not here.")
            case "input_audio_buffer.commit" | "input_audio_buffer.clear":
                self._forward(event, answer)
            case "conversation.item.create":
                self._create(event, policy, answer)
            case "conversation.item.retrieve":
                self._retrieve(event, scribe, answer)
            case "conversation.item.truncate" if self._plays:
                raise ProtocolFault(
                    "not_allowed",
                    "The server plays the audio here, so it truncates; send output_audio_buffer.clear to stop.",
                    "type",
                )
            case "conversation.item.truncate":
                answer.truncation = Truncation(
                    event["item_id"], event["content_index"], event["audio_end_ms"],
                    self._front.marks.mark(event, answer.sender),
                )  # fmt: skip
            case "conversation.item.delete":
                self._delete(event, policy, answer)
            case "response.create":
                keys = response_keys(policy)
                reply = event.get("response") or {}
                answer.reply = {k: v for k, v in reply.items() if keys is None or k in keys}
                if answer.reply.get("instructions"):
                    answer.reply["instructions"] = in_language(self._persona, answer.reply["instructions"])
                if len(answer.reply) < len(reply):
                    answer.effects.append(_refusal(answer.sender, sorted(set(reply) - set(answer.reply))))
            case "response.cancel":
                answer.cancel, answer.cancelled_id = True, event.get("response_id")
            case "output_audio_buffer.clear" if self._plays:
                answer.clear = True
            case "output_audio_buffer.clear":
                raise _unsupported(
                    "The client plays the audio here: stop playing, and send conversation.item.truncate."
                )
            case other:
                raise _unsupported(f"The event type '{other}' is not supported on this connection.")

    def greeting(self) -> Event:
        """The first event of any connection."""
        return self._front.event("session.created", session=deepcopy(self.session))

    def welcome(self) -> list[ToLeg | ToModel | Remark]:
        """What a client that has just come is told, the server's tools among it, and what its wishes change."""
        events = [self.greeting()]
        if self._server_tools:
            events += self._front.list_tools(list(self._server_tools))
        return [*self.opening, *(ToLeg(e) for e in events)]

    def succeed(self, persona: Persona, server_tools: tuple[dict[str, Any], ...]) -> ToLeg:
        """Another agent takes over: the clients are told of its session."""
        self._persona = persona
        self._server_tools = server_tools
        self._server_names = frozenset(t["name"] for t in server_tools)
        self._gateway_turns = self._plays and persona.turns == "gateway"
        self.session = succeeded_session(self.session, persona, server_tools, plays=self._plays)
        self._front.server_tools = self._server_names - {t.get("name") for t in self.session["tools"]}
        self.spoken = self.rewritten = False
        return ToLeg(self._front.event("session.updated", session=deepcopy(self.session)))

    def nothing_to_cancel(self, answer: Answer) -> ToLeg:
        told = "Cancellation failed: no active response found."
        return self._front.fault(answer.sender, "response_cancel_not_active", told)

    def already_active(self, answer: Answer, running: str | None) -> ToLeg:
        """`running`: the id of the active response, once it has one."""
        told = (
            f"Conversation already has an active response in progress: {running or 'one that was just asked for'}. "
            "Wait until it is finished."
        )
        return self._front.fault(answer.sender, "conversation_already_has_active_response", told)

    def forwarded(self, event: Event, answer: Answer, response_id: str | None) -> ToModel:
        """The client's cancellation of this response, on its way to the model."""
        return ToModel(self._front.marks.mark({**event, "response_id": response_id}, answer.sender))

    def _adopt(self, wanted: dict[str, Any]) -> list[Remark]:
        """What the client wants from the start, as far as the policy lets it apply."""
        try:
            _, refused = self._merge(wanted, self._persona.policy)
        except ProtocolFault as fault:
            refused = [fault.param or fault.code]
        return [_refusal(Sender(LEG, None), refused)] if refused else []

    def _update(self, event: Event, policy: SessionPolicy, answer: Answer) -> None:
        changed, refused = self._merge(event["session"], policy)
        updated = self._front.event("session.updated", session=deepcopy(self.session))
        answer.effects.append(ToLeg(updated))
        if refused:
            answer.effects.append(_refusal(answer.sender, refused))
        leaves = [leaf for leaf in changed if leaf not in FORMATS]
        if leaves:
            full = upstream_session(
                self.session, self._server_tools, self._persona,
                gateway_turns=self._gateway_turns, notes=self._notes,
            )  # fmt: skip
            part = {"type": "realtime", **_only(full, leaves)}
            self._forward({**event, "session": part}, answer)

    def _merge(self, wanted: dict[str, Any], policy: SessionPolicy) -> tuple[list[str], list[str]]:
        """Apply an update: (changed, refused) leaves. Raises ProtocolFault."""
        merged = merge_session(
            self.session, wanted, voice_fixed=self.spoken, speed_fixed=self.speaking,
            formats=PLAYED_FORMATS if self._plays else CLIENT_FORMATS,
            allow=lambda leaf: may_change(policy, leaf) or (not self._plays and leaf in FORMATS),
        )  # fmt: skip
        session, changed, refused = merged.session, list(merged.changed), list(merged.refused)
        output = session["audio"]["output"]
        if "audio.output.voice" in changed and output["voice"] not in self._persona.allowed_voices:
            output["voice"] = self.session["audio"]["output"]["voice"]
            changed.remove("audio.output.voice")
            refused.append("audio.output.voice")
        if TRANSCRIPTION in changed and not kept_in_language(self._persona, session):
            session["audio"]["input"]["transcription"] = self.session["audio"]["input"]["transcription"]
            changed.remove(TRANSCRIPTION)
            refused.append(TRANSCRIPTION)
        self.session = session
        self.rewritten = self.rewritten or "instructions" in changed
        # A tool of the client's takes the place of ours of the same name.
        self._front.server_tools = self._server_names - {t.get("name") for t in session["tools"]}
        return changed, refused

    def _create(self, event: Event, policy: SessionPolicy, answer: Answer) -> None:
        item = event["item"]
        if self._front.runs_call(item.get("call_id") or ""):
            raise ProtocolFault(
                "not_allowed", "The server runs this tool and gives its output itself.", "item.call_id"
            )
        if not may_create_item(policy, item["type"], item.get("role")):
            raise ProtocolFault(
                "not_allowed",
                f"This persona is {policy.value}: a client may add user messages and results of its own tools.",
                "item",
            )
        if not item.get("id"):
            self._items += 1
            item = {**item, "id": f"item_client_{self._items}"}
        sent = {**event, "item": item}
        if event.get("previous_item_id") is not None:
            sent["previous_item_id"] = self._front.place(item["id"], event["previous_item_id"])
        self._forward(sent, answer)
        if item["type"] == "function_call_output":
            answer.given = item["call_id"]

    def _retrieve(self, event: Event, scribe: Scribe, answer: Answer) -> None:
        """An interrupted item is retrieved as what was heard of it; the model may have forgotten its words."""
        item = self._front.own_item(event["item_id"])
        line = scribe.agent.get(event["item_id"])
        if line is not None and line.interrupted:
            item = {
                "id": event["item_id"], "object": "realtime.item", "type": "message", "role": "assistant",
                "status": "incomplete", "content": [{"type": "output_audio", "transcript": line.text}],
            }  # fmt: skip
        if item is None:
            self._forward(event, answer)
        else:
            answer.effects.append(ToLeg(self._front.event("conversation.item.retrieved", item=item)))

    def _delete(self, event: Event, policy: SessionPolicy, answer: Answer) -> None:
        if not may_delete_items(policy):
            raise ProtocolFault(
                "not_allowed", f"This persona is {policy.value}: a client may not delete items.", "type"
            )
        if self._front.own_item(event["item_id"]) is None:
            self._forward(event, answer)
        else:
            self._front.forget_own_item(event["item_id"])
            told = self._front.event("conversation.item.deleted", item_id=event["item_id"])
            answer.effects.append(ToLeg(told))

    def _forward(self, event: Event, answer: Answer) -> None:
        answer.effects.append(ToModel(self._front.marks.mark(event, answer.sender)))


def _unsupported(told: str) -> ProtocolFault:
    return ProtocolFault("invalid_value", told, "type")


def _refusal(sender: Sender, fields: list[str]) -> Remark:
    """The journal's note of what the policy kept as it was: names only."""
    return Remark({"type": "FieldsRefused", "origin": sender.origin, "fields": fields})


def _only(session: dict[str, Any], leaves: list[str]) -> dict[str, Any]:
    """The part of a session that these dotted leaves name."""
    part: dict[str, Any] = {}
    for leaf in leaves:
        *above, last = leaf.split(".")
        source, target = session, part
        for key in above:
            source, target = source[key], target.setdefault(key, {})
        target[last] = source[last]
    return part
