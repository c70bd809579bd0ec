"""Azure Communication Services (reference/telephony.md, section 5): Event Grid tells of a call, a command answers it,
and call automation tells how it goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from api.records.channel import MetaValue
from api.records.channel_words import AZURE, AZURE_STATUSES, kind_of
from api.surfaces.telephony.bare import Bare
from api.surfaces.telephony.desk import (
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
from api.surfaces.telephony.dialects.acs_api import command, resource
from api.surfaces.telephony.dialects.fields import identity, party, stamp
from gateway.carriers import acs
from gateway.carriers.dialects.proof import secret_in_url
from gateway.config import Settings

__all__ = ["DESK", "keys_at"]

INCOMING = "Microsoft.Communication.IncomingCall"
STATUSES = AZURE_STATUSES | {"MediaStreamingFailed": "failed"}
"""The others are none of the call's course."""
FAILURES = {486: "busy", 600: "busy", 603: "busy", 480: "no_answer", 408: "no_answer", 487: "canceled"}
"""Why a call that we placed did not come about, by the SIP code in `resultInformation`."""
TRANSFERS = {"CallTransferAccepted": True, "CallTransferFailed": False}
CONTEXT_LONGEST = 16 * 1024
AT_MOST = 100
"""Events of one delivery."""


def keys_at(settings: Settings) -> str:
    """Where the keys are found that tokens are signed with."""
    return settings.acs_openid_url


class _Acs(Bare):
    name = acs.NAME

    def configured(self, settings: Settings) -> bool:
        return (
            settings.acs_connection_string is not None
            and settings.acs_resource_id is not None
            and settings.acs_secret is not None
        )

    def verify(self, asked: Asked, settings: Settings) -> None:
        """Call automation shows a token. Event Grid signs nothing: its deliveries have the secret of their URL."""
        if urlsplit(asked.url).path.endswith("/voice"):
            secret_in_url(asked.url, settings.acs_secret.get_secret_value() if settings.acs_secret else "")
        else:
            acs.verify_webhook(
                asked.url,
                asked.headers,
                asked.body,
                keys=asked.keys,
                audience=settings.acs_resource_id or "",
                now=asked.now,
            )

    def verify_socket(self, asked: Asked, settings: Settings, token: str) -> None:
        acs.verify_socket(
            asked.url,
            asked.headers,
            keys=asked.keys,
            audience=settings.acs_resource_id or "",
            now=asked.now,
        )

    def greeting(self, asked: Asked) -> Document | None:
        reply = acs.validation_reply(_events(asked))
        return None if reply is None else Document(orjson.dumps(reply).decode(), "application/json")

    def incoming(self, asked: Asked) -> Incoming | None:
        calls = [event for event in _events(asked) if event.get("eventType") == INCOMING]
        if not calls:
            return None
        if len(calls) > 1:
            raise Unreadable("Several calls in one delivery: let the subscription batch no events.")
        data = _data(calls[0])
        context = data.get("incomingCallContext")
        if not isinstance(context, str) or not 0 < len(context) <= CONTEXT_LONGEST:
            raise Unreadable("The event holds no incomingCallContext.")
        return Incoming(
            identity(data, "correlationId"),
            _number(data.get("from")),
            _number(data.get("to")),
            context=context,
            once=True,
        )

    def answer(self, incoming: Incoming, place: Place, settings: Settings) -> Document | Command:
        body = acs.answer(
            place.stream,
            token=place.token,
            incoming_call_context=incoming.context,
            callback_url=place.status,
            caller=incoming.caller,
            called=incoming.called,
        )
        return _command(settings, "callConnections:answer", body)

    def refuse(self, incoming: Incoming, settings: Settings) -> Document | Command:
        body = {"incomingCallContext": incoming.context, "callRejectReason": "busy"}
        return _command(settings, "callConnections:reject", body)

    def sorry(self, sentence: str) -> Document:
        return Document("{}", "application/json")

    def hang_up(self) -> Document:
        return Document("{}", "application/json")

    def notices(self, asked: Asked) -> Sequence[Notice]:
        return [notice for event in _events(asked) if (notice := _notice(event, asked.now)) is not None]

    def stopped(self, asked: Asked) -> Incoming | None:
        for event in _events(asked):
            if event.get("type") in (f"{AZURE}MediaStreamingStopped", f"{AZURE}MediaStreamingFailed"):
                data = _data(event)
                return Incoming(identity(data, "correlationId"), handle=identity(data, "callConnectionId"))
        return None

    def closing_ends(self, handle: str) -> bool:
        """The end of the stream leaves the call up, in silence."""
        return False

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        """Numbers only. Azure detects no machines."""
        number = settings.acs_phone_number
        if not number or resource(settings) is None or not to.startswith("+"):
            return None
        body = acs.dial(
            place.place.stream,
            token=place.place.token,
            to=to,
            number=number,
            callback_url=place.place.status,
        )
        return _command(settings, "callConnections", body)

    def placed(self, answer: dict[str, Any]) -> str:
        return identity(answer, "correlationId")

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        """To numbers only; the caller's own number is shown without one of ours. The answer comes at once, whether
        anybody picks up is told by an event (section 5.2)."""
        if resource(settings) is None or not to.startswith("+"):
            return None
        body: dict[str, Any] = {"targetParticipant": acs.phone(to)}
        if caller_id:
            body["sourceCallerIdNumber"] = {"value": caller_id}
        return replace(
            _command(settings, f"callConnections/{call}:transferToParticipant", body), later=True
        )

    def handle(self, answer: dict[str, Any]) -> str:
        return party(answer, "callConnectionId")

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        if resource(settings) is None:
            return None
        return _command(settings, f"callConnections/{call}:terminate", {})


def _events(asked: Asked) -> list[dict[str, Any]]:
    """The events of a delivery: Event Grid's, or CloudEvents. Raises Unreadable."""
    try:
        events = orjson.loads(asked.body)
    except orjson.JSONDecodeError:
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(events, list) or len(events) > AT_MOST:
        raise Unreadable(f"The body must be a list of at most {AT_MOST} events.")
    return [event for event in events if isinstance(event, dict)]


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    if not isinstance(data, dict):
        raise Unreadable("The event has no data.")
    return data


def _notice(event: dict[str, Any], now: float) -> Notice | None:
    kind = str(event.get("type", "")).removeprefix(AZURE)
    if kind not in STATUSES and kind not in TRANSFERS:
        return None
    data = _data(event)
    if kind in TRANSFERS:
        call, connection = identity(data, "correlationId"), identity(data, "callConnectionId")
        return Notice(
            call, identity(event, "id"), "in_progress", kind, "call_status", now, handle=connection,
            transferred=TRANSFERS[kind],
        )  # fmt: skip
    result = data.get("resultInformation")
    result = result if isinstance(result, dict) else {}
    meta: dict[str, MetaValue] = {}
    status = STATUSES[kind]
    if kind == "CreateCallFailed":
        status = FAILURES.get(result.get("code", 0), status)
    if status != "in_progress" and isinstance(code := result.get("code"), int):
        meta["terminalReason"] = f"{code} {result.get('subCode', '')}"[:64]
    return Notice(
        identity(data, "correlationId"),
        identity(event, "id"),
        status,
        kind,
        kind_of(status),
        stamp(event.get("time"), now),
        None,
        meta,
        handle=identity(data, "callConnectionId"),
        over=kind in ("CallDisconnected", "CreateCallFailed"),
    )


def _number(who: object) -> str:
    """Of a phone the number, of anybody else the raw id."""
    if not isinstance(who, dict):
        return ""
    phone = who.get("phoneNumber")
    number = party(phone, "value") if isinstance(phone, dict) else ""
    return number or party(who, "rawId").removeprefix("4:")


def _command(settings: Settings, path: str, body: dict[str, Any]) -> Command:
    to = resource(settings)
    if to is None:
        raise Unreadable("ACS_CONNECTION_STRING is not set: nothing can be commanded.")
    return command(to, path, body, time.time())


DESK: Desk = _Acs()
