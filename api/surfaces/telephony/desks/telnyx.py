"""Telnyx (reference/telephony.md, section 2): numbers of a TeXML application, and of a Voice API application, whose
calls are answered by a command to Telnyx' API."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import kind_of
from api.surfaces.telephony.desk import (
    Answerer,
    Asked,
    Calling,
    Command,
    Desk,
    Document,
    Incoming,
    Notice,
    Place,
    Unreadable,
)
from api.surfaces.telephony.dialects import laml
from api.surfaces.telephony.dialects.fields import identity, json_of, party, stamp
from gateway.carriers import telnyx
from gateway.config import Settings
from gateway.crew import crew

__all__ = ["DESK"]

STATUSES = {"call.initiated": "initiated", "call.answered": "answered", "call.bridged": "in_progress"}
CAUSES = {
    "normal_clearing": "completed",
    "time_limit": "completed",
    "user_busy": "busy",
    "call_rejected": "busy",
    "originator_cancel": "canceled",
    "timeout": "no_answer",
    "no_answer": "no_answer",
}
"""Why a call was hung up → its last status; everything else is a failure."""

ONWARD = "onward="
"""Before the caller's leg, in what the leg to somebody else is marked with."""
AT = "#"
"""Between that and the worker that has the caller."""
DETECTED = frozenset(
    f"call.machine.{kind}"
    for kind in ("detection.ended", "greeting.ended", "premium.detection.ended", "premium.greeting.ended")
)
ANSWERERS: dict[str, Answerer] = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    "fax_detected": "fax",
    "beep_detected": "beep",
    "ended": "beep",
    "no_beep_detected": "beep",
    "prompt_ended": "beep",
}
"""Results of detection, and of waiting for the end of the greeting; everything else is unknown."""


class _Telnyx(laml.LamlAnswers):
    name = telnyx.NAME
    reattaches = True

    def configured(self, settings: Settings) -> bool:
        return settings.telnyx_public_key is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        key = settings.telnyx_public_key or ""
        telnyx.verify_webhook(asked.url, asked.headers, asked.posted, public_key=key, now=asked.now)

    def proof(self, asked: Asked) -> str:
        return telnyx.proof(asked.headers, asked.posted)

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        """TeXML has no attribute for a secret of the handshake: there the token in the path is the proof. A command's
        `stream_auth_token` is compared where Telnyx shows one."""
        if any(name.lower() == telnyx.AUTH_TOKEN for name in asked.headers):
            telnyx.verify_socket(asked.url, asked.headers, secret=token)

    def incoming(self, asked: Asked) -> Incoming | None:
        if not _is_event(asked):
            return laml.incoming(asked)
        kind, payload, _ = _event(asked)
        if kind != "call.initiated" or payload.get("direction") != "incoming":
            return None
        handle = identity(payload, "call_control_id")
        return Incoming(
            identity(payload, "call_leg_id"), party(payload, "from"), party(payload, "to"), handle=handle
        )

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document | Command:
        caller, called = incoming.caller, incoming.called
        if not incoming.handle:
            return Document(
                telnyx.texml(
                    place.stream,
                    token=place.token,
                    caller=caller,
                    called=called,
                    action=place.after,
                    status_callback=place.status,
                )
            )
        command_id = hashlib.sha256(incoming.call.encode()).hexdigest()[:32]
        body = telnyx.answer(
            place.stream,
            token=place.token,
            caller=caller,
            called=called,
            auth_token=place.token,
            command_id=command_id,
            target_legs="self",
        )
        return _command(settings, incoming, "answer", body)

    def refuse(self, incoming: Incoming, settings: Settings) -> Document | Command:
        if not incoming.handle:
            return super().refuse(incoming, settings)
        return _command(settings, incoming, "reject", {"cause": "USER_BUSY"})

    def stopped(self, asked: Asked) -> Incoming | None:
        """A call that was answered by command goes on without its stream, in silence."""
        if not _is_event(asked):
            return None
        kind, payload, _ = _event(asked)
        if kind != "streaming.stopped":
            return None
        return Incoming(identity(payload, "call_leg_id"), handle=identity(payload, "call_control_id"))

    def closing_ends(self, handle: str) -> bool:
        """That of a TeXML application, which asks how to go on then; it has no handle."""
        return not handle

    def notices(self, asked: Asked) -> list[Notice]:
        if not _is_event(asked):
            return laml.notices(asked)
        kind, payload, data = _event(asked)
        meta: dict[str, MetaValue] = {}
        machine: Answerer | None = None
        if onward := _onward(payload):
            # The leg is none of our calls; that it is over is a matter of the caller's.
            leg, over = identity(payload, "call_leg_id"), kind == "call.hangup"
            about = Notice(
                leg,
                identity(data, "id"),
                "in_progress",
                kind,
                "call_status",
                asked.now,
                onward=onward,
                home=_home(payload),
            )
            return [about] if over else []
        if kind in DETECTED:
            meta["answeredBy"] = raw = str(payload.get("result", ""))[:64]
            status, machine = "in_progress", ANSWERERS.get(raw, "unknown")
        elif kind == "call.hangup":
            cause = str(payload.get("hangup_cause", ""))[:64]
            meta["terminalReason"] = cause
            status = CAUSES.get(cause, "failed")
        elif kind == "streaming.failed":
            status = "failed"
        elif kind in STATUSES and not (kind == "call.initiated" and payload.get("direction") == "incoming"):
            status = STATUSES[kind]
        else:
            return []
        at = stamp(data.get("occurred_at"), asked.now)
        # Our own word of it is the same event.
        key = status if status == "initiated" else identity(data, "id")
        call, handle = identity(payload, "call_leg_id"), party(payload, "call_control_id")
        over = kind == "call.hangup"
        return [
            Notice(
                call, key, status, kind, kind_of(status), at, None, meta, handle, machine=machine, over=over
            )
        ]

    # A call has a name that stays (`call_leg_id`), and one for commands that may change (`call_control_id`).

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        """The stream opens by itself as somebody answers. Only numbers of a Voice API application."""
        connection, number = settings.telnyx_connection_id, settings.telnyx_phone_number
        if not connection or not number:
            return None
        body = telnyx.streaming(
            place.place.stream,
            token=place.place.token,
            auth_token=place.place.token,
            target_legs="self",
        )
        body |= {
            "connection_id": connection,
            "to": to,
            "from": number,
            "webhook_url": place.voice,
            "timeout_secs": place.ring_s,
        }
        if machine_detection:
            # Tells first who answered, and then when a machine beeps.
            body["answering_machine_detection"] = "detect_beep"
        return _request(settings, "", body)

    def placed(self, answer: dict[str, Any]) -> str:
        return identity(_data(answer), "call_leg_id")

    def handle(self, answer: dict[str, Any]) -> str:
        return party(_data(answer), "call_control_id")

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        return _request(settings, _action(call, "hangup"), {})

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        """The leg to `to` tells in its events whose it is: when it ends without having been answered, the caller's
        stays up."""
        home = f"{AT}{crew().here}" if crew().size > 1 else ""
        state = b64encode(f"{ONWARD}{call}{home}".encode()).decode()
        body = {"to": to, "target_leg_client_state": state} | ({"from": caller_id} if caller_id else {})
        return _request(settings, _action(call, "transfer"), body)

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        return _request(settings, _action(call, "send_dtmf"), {"digits": digits})


def _onward(payload: Mapping[str, Any]) -> str:
    """Whose caller was put through by the leg that an event is about; empty for a leg of another kind."""
    try:
        state = b64decode(party(payload, "client_state"), validate=True).decode("ascii")
    except ValueError:
        return ""
    return state.removeprefix(ONWARD).partition(AT)[0] if state.startswith(ONWARD) else ""


def _home(payload: Mapping[str, Any]) -> int | None:
    """The worker that put the caller through, of an event with `_onward`."""
    try:
        return int(b64decode(party(payload, "client_state")).decode("ascii").partition(AT)[2])
    except ValueError:
        return None


def _is_event(asked: Asked) -> bool:
    return asked.posted.lstrip()[:1] == b"{"


def _event(asked: Asked) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Its type, with dots, its payload, and what is round that. Raises Unreadable."""
    data = json_of(asked).get("data")
    payload = data.get("payload") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(payload, dict):
        raise Unreadable("The event has no payload.")
    return str(data.get("event_type", "")).replace("_", "."), payload, data


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer of the API is about. Raises Unreadable."""
    data = answer.get("data")
    if not isinstance(data, dict):
        raise Unreadable("The answer names no call: data is missing.")
    return data


def _action(call: str, action: str) -> str:
    return f"/{quote(call, safe=':')}/actions/{action}"


def _command(settings: Settings, incoming: Incoming, action: str, body: dict[str, Any]) -> Command:
    key = settings.telnyx_api_key.get_secret_value() if settings.telnyx_api_key else ""
    url = f"{settings.telnyx_api_url}/calls{_action(incoming.handle, action)}"
    return Command(url, orjson.dumps(body), f"Bearer {key}")


def _request(settings: Settings, path: str, body: dict[str, Any]) -> Command | None:
    key = settings.telnyx_api_key
    if key is None:
        return None
    url = f"{settings.telnyx_api_url}/calls{path}"
    return Command(url, orjson.dumps(body), f"Bearer {key.get_secret_value()}")


DESK: Desk = _Telnyx()
