"""Where the client's events are received: checked, judged by the persona's policy, answered or passed on. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from gateway.call.front import Front
from gateway.call.policy import may_change, may_create_item, may_delete_items, response_keys
from gateway.call.scribe import Scribe
from gateway.ports import Event
from gateway.realtime.events import parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.session import merge_session, turn_detection_of
from personas.persona import Persona

__all__ = ["Answer", "Desk", "upstream_session"]

SERVER_COPY = ("id", "object", "expires_at")
"""Fields of a session object that only a server sends."""


@dataclass(slots=True)
class Answer:
    """What follows from one client event."""

    to_client: list[Event] = field(default_factory=list)
    to_model: list[Event] = field(default_factory=list)
    cancel: bool = False
    clear: bool = False
    reply: dict[str, Any] | None = None
    event_id: str | None = None


def upstream_session(
    session: dict[str, Any], server_tools: tuple[dict[str, Any], ...], *, gateway_turns: bool
) -> dict[str, Any]:
    """The session that the model gets for the one the client sees: our tools beside the client's, transcription
    always on (the record needs it), and with the gateway taking the turns no replies and no interruptions of the
    model's own accord."""
    sent = {k: deepcopy(v) for k, v in session.items() if k not in (*SERVER_COPY, "model")}
    own = sent.get("tools", [])
    taken = {tool.get("name") for tool in own}
    sent["tools"] = [*(tool for tool in server_tools if tool["name"] not in taken), *own]
    heard = sent["audio"]["input"]
    if heard.get("transcription") is None:
        heard["transcription"] = {"model": "gpt-4o-mini-transcribe"}
    if heard.get("turn_detection") is not None and gateway_turns:
        heard["turn_detection"] |= {"create_response": False, "interrupt_response": False}
    return sent


class Desk:
    """Holds the session as the client sees it."""

    def __init__(
        self,
        session: dict[str, Any],
        persona: Persona,
        server_tools: tuple[dict[str, Any], ...],
        front: Front,
    ) -> None:
        self.session = session
        self._persona = persona
        self._server_tools = server_tools
        self._server_names = frozenset(t["name"] for t in server_tools)
        self._front = front
        self.spoken = False
        """The agent has been heard: its voice is fixed."""

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

    def receive(self, message: str, scribe: Scribe) -> Answer:
        """Judge one message of the client. Never raises: a fault becomes an `error` event."""
        try:
            event = parse_client_event(message)
        except ProtocolFault as fault:
            return Answer([self._fault(fault)])
        sent: Event = event.model_dump(exclude_unset=True)
        event_id = sent.get("event_id")
        try:
            answer = self._judge(sent, scribe)
        except ProtocolFault as fault:
            return Answer([self._fault(fault.of(event_id))])
        answer.event_id = event_id
        return answer

    def _judge(self, event: Event, scribe: Scribe) -> Answer:
        policy = self._persona.policy
        match event["type"]:
            case "session.update":
                return self._update(event)
            case "input_audio_buffer.append":
                raise ProtocolFault(
                    "invalid_value",
                    "This call's audio travels as RTP; input_audio_buffer.append is for WebSocket clients.",
                    "type",
                )
            case "input_audio_buffer.commit" | "input_audio_buffer.clear":
                return Answer(to_model=[event])
            case "conversation.item.create":
                item = event["item"]
                if self._front.runs_call(item.get("call_id") or ""):
                    raise ProtocolFault(
                        "not_allowed",
                        "The server runs this tool and gives its output itself.",
                        "item.call_id",
                    )
                if not may_create_item(policy, item["type"], item.get("role")):
                    raise ProtocolFault(
                        "not_allowed",
                        f"This persona is {policy.value}: a client may add user messages and results of its own tools.",
                        "item",
                    )
                return Answer(to_model=[event])
            case "conversation.item.retrieve":
                return self._retrieve(event, scribe)
            case "conversation.item.truncate":
                raise ProtocolFault(
                    "not_allowed",
                    "The server plays the audio here, so it truncates; send output_audio_buffer.clear to stop.",
                    "type",
                )
            case "conversation.item.delete":
                if not may_delete_items(policy):
                    raise ProtocolFault(
                        "not_allowed",
                        f"This persona is {policy.value}: a client may not delete items.",
                        "type",
                    )
                return Answer(to_model=[event])
            case "response.create":
                keys = response_keys(policy)
                reply = event.get("response") or {}
                return Answer(reply={k: v for k, v in reply.items() if keys is None or k in keys})
            case "response.cancel":
                return Answer(cancel=True)
            case "output_audio_buffer.clear":
                return Answer(clear=True)
            case other:
                raise ProtocolFault(
                    "invalid_value",
                    f"The event type '{other}' is not supported on this connection.",
                    "type",
                )

    def _update(self, event: Event) -> Answer:
        merged = merge_session(
            self.session, event["session"], voice_fixed=self.spoken,
            allow=lambda leaf: may_change(self._persona.policy, leaf),
        )  # fmt: skip
        session = merged.session
        voice = session["audio"]["output"]["voice"]
        if "audio.output.voice" in merged.changed and voice not in self._persona.allowed_voices:
            session["audio"]["output"]["voice"] = self.session["audio"]["output"]["voice"]
        self.session = session
        # A tool of the client's takes the place of ours of the same name.
        self._front.server_tools = self._server_names - {t.get("name") for t in session["tools"]}
        answer = Answer([self._front.event("session.updated", session=deepcopy(session))])
        if merged.changed:
            full = upstream_session(
                session, self._server_tools, gateway_turns=self._persona.turns == "gateway"
            )
            part = _only(full, merged.changed)
            answer.to_model.append({**event, "session": {"type": "realtime", **part}})
        return answer

    def _retrieve(self, event: Event, scribe: Scribe) -> Answer:
        """An interrupted item is retrieved as what was heard of it; the model may have forgotten its words."""
        line = scribe.agent.get(event["item_id"])
        if line is None or not line.interrupted:
            return Answer(to_model=[event])
        item = {
            "id": event["item_id"], "object": "realtime.item", "type": "message", "role": "assistant",
            "status": "incomplete", "content": [{"type": "output_audio", "transcript": line.text}],
        }  # fmt: skip
        return Answer([self._front.event("conversation.item.retrieved", item=item)])

    def _fault(self, fault: ProtocolFault) -> Event:
        return self._front.error(fault.code, fault.message, param=fault.param, event_id=fault.event_id)


def _only(session: dict[str, Any], leaves: tuple[str, ...]) -> dict[str, Any]:
    """The part of a session that these dotted leaves name."""
    part: dict[str, Any] = {}
    for leaf in leaves:
        *above, last = leaf.split(".")
        source, target = session, part
        for key in above:
            source, target = source[key], target.setdefault(key, {})
        target[last] = source[last]
    return part
