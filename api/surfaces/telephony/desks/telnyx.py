"""Telnyx (reference/telephony.md, section 2): numbers of a TeXML application, and of a Voice API application, whose
calls are answered by a command to Telnyx' API."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import kind_of
from api.surfaces.telephony import laml
from api.surfaces.telephony.desk import Asked, Command, Desk, Document, Incoming, Notice, Place, Unreadable
from api.surfaces.telephony.fields import identity, json_of, party, stamp
from gateway.carriers import telnyx
from gateway.config import Settings

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


class _Telnyx(laml.LamlAnswers):
    name = telnyx.NAME
    reattaches = True

    def configured(self, settings: Settings) -> bool:
        return settings.telnyx_public_key is not None

    def verify(self, asked: Asked, settings: Settings) -> None:
        key = settings.telnyx_public_key or ""
        telnyx.verify_webhook(asked.url, asked.headers, asked.posted, public_key=key, now=asked.now)

    def proof(self, asked: Asked) -> str:
        return asked.headers.get(telnyx.SIGNATURE, "")

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

    def stopped(self, asked: Asked, settings: Settings) -> tuple[str, Command] | None:
        """A call that was answered by command goes on without its stream, in silence."""
        if not _is_event(asked):
            return None
        kind, payload, _ = _event(asked)
        if kind != "streaming.stopped":
            return None
        call = Incoming(identity(payload, "call_leg_id"), handle=identity(payload, "call_control_id"))
        return call.call, _command(settings, call, "hangup", {})

    def notices(self, asked: Asked) -> list[Notice]:
        if not _is_event(asked):
            return laml.notices(asked)
        kind, payload, data = _event(asked)
        meta: dict[str, MetaValue] = {}
        if kind == "call.hangup":
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
        key = identity(data, "id")
        call = identity(payload, "call_leg_id")
        return [Notice(call, key, status, kind, kind_of(status), at, None, meta)]


def _is_event(asked: Asked) -> bool:
    return asked.body.lstrip()[:1] == b"{"


def _event(asked: Asked) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Its type, with dots, its payload, and what is round that. Raises Unreadable."""
    data = json_of(asked).get("data")
    payload = data.get("payload") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(payload, dict):
        raise Unreadable("The event has no payload.")
    return str(data.get("event_type", "")).replace("_", ".", 1), payload, data


def _command(settings: Settings, incoming: Incoming, action: str, body: dict[str, Any]) -> Command:
    key = settings.telnyx_api_key.get_secret_value() if settings.telnyx_api_key else ""
    url = f"{settings.telnyx_api_url}/calls/{quote(incoming.handle, safe=':')}/actions/{action}"
    return Command(url, orjson.dumps(body), f"Bearer {key}")


DESK: Desk = _Telnyx()
