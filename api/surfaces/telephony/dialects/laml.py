"""What Twilio asks and tells, and SignalWire and Telnyx (TeXML) after it (reference/telephony.md, 1.1 and 1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.records.channel import MetaValue
from api.records.channel_words import canonical, kind_of
from api.surfaces.telephony.desk import Answerer, Asked, Calling, Command, Document, Incoming, Notice
from api.surfaces.telephony.dialects import laml_api
from api.surfaces.telephony.dialects.fields import form_of, identity, number, party, rfc2822, stamp
from api.surfaces.telephony.dialects.laml_api import Account
from gateway.carriers.dialects import twiml
from gateway.config import Settings

__all__ = ["LamlAnswers", "LamlCommands", "incoming", "notices"]

ANSWERERS: dict[str, Answerer] = {
    "human": "human",
    "machine_start": "machine",
    "machine_end_beep": "beep",
    "machine_end_silence": "beep",
    "machine_end_other": "beep",
    "fax": "fax",
}
"""`AnsweredBy`; everything else is unknown."""
ANSWERED = 3
"""The place of the status callback that tells of the answer, when all are asked for (`laml_api.EVENTS`)."""


def incoming(asked: Asked) -> Incoming:
    """Raises Unreadable."""
    fields = form_of(asked)
    return Incoming(
        identity(fields, "CallSid"),
        party(fields, "From"),
        party(fields, "To"),
        fields.get("Direction", "inbound").startswith("outbound"),
    )


def notices(asked: Asked) -> list[Notice]:
    """Of a call's status callback, of a stream's, or of answering-machine detection. Raises Unreadable."""
    fields = form_of(asked)
    call = identity(fields, "CallSid")
    if event := fields.get("StreamEvent"):
        if event != "stream-error":
            return []
        at = stamp(fields.get("Timestamp"), asked.now)
        meta: dict[str, MetaValue] = {"error": fields.get("StreamError", "")[:200]}
        key = f"{event}:{fields.get('StreamSid', '')[:64]}"
        return [Notice(call, key, "failed", event, "provider_error", at, None, meta)]
    raw, answered_by = fields.get("CallStatus", ""), fields.get("AnsweredBy", "")[:64]
    if not raw:
        return [_verdict(call, answered_by, fields, asked.now)] if answered_by else []
    status = canonical(raw)
    meta = {}
    for name, field in (("callDurationSec", "CallDuration"), ("sipResponseCode", "SipResponseCode")):
        if (value := number(fields, field)) is not None:
            meta[name] = value
    if answered_by:
        meta["answeredBy"] = answered_by
    sequence = number(fields, "SequenceNumber")
    at = rfc2822(fields.get("Timestamp", ""), asked.now)
    # The first place is that of the webhook which brought the call.
    position = None if sequence is None else sequence + 1
    over = status == "failed"
    return [Notice(call, status, status, raw, kind_of(status), at, position, meta, over=over)]


def _verdict(call: str, answered_by: str, fields: dict[str, str], now: float) -> Notice:
    """What asynchronous detection found (section 1.5). It comes while the call goes on, and is not counted."""
    meta: dict[str, MetaValue] = {"answeredBy": answered_by}
    if (lasted := number(fields, "MachineDetectionDuration")) is not None:
        meta["machineDetectionDurationMs"] = lasted
    found = ANSWERERS.get(answered_by, "unknown")
    key = f"machine:{answered_by}"
    return Notice(call, key, "in_progress", answered_by, "call_status", now, ANSWERED, meta, machine=found)


class LamlAnswers:
    """The documents that they have in common."""

    silent = False

    def proof(self, asked: Asked) -> str:
        return ""

    def greeting(self, asked: Asked) -> Document | None:
        return None

    def refuse(self, incoming: Incoming, settings: Settings) -> Document | Command:
        return Document(twiml.refuse(busy=True))

    def sorry(self, sentence: str) -> Document:
        return Document(twiml.say(sentence))

    def stopped(self, asked: Asked) -> Incoming | None:
        return None

    def closing_ends(self, handle: str) -> bool:
        """`<Connect>` is over with its socket, and its `action` is answered with a hang-up."""
        return True

    def hang_up(self) -> Document:
        return Document(twiml.hang_up())

    def placed(self, answer: dict[str, Any]) -> str:
        return laml_api.placed(answer)

    def handle(self, answer: dict[str, Any]) -> str:
        return ""

    def onward(self, asked: Asked) -> Document | None:
        return None

    def press(self, call: str, digits: str, settings: Settings) -> Command | None:
        """Keys are a document of their own there (`<Play digits>`), which would end the stream."""
        return None


class LamlCommands(LamlAnswers):
    """The same of one whose API takes Twilio's commands."""

    def __init__(
        self, account: Callable[[Settings], Account | None], number: Callable[[Settings], str | None]
    ) -> None:
        """What opens its API, and our number there; each None until it is set."""
        self._account = account
        self._number = number

    def dial(
        self, to: str, place: Calling, settings: Settings, *, machine_detection: bool = False
    ) -> Command | None:
        account, number = self._account(settings), self._number(settings)
        if account is None or not number:
            return None
        return laml_api.dial(account, number, to, place, machine_detection=machine_detection)

    def hang_up_call(self, call: str, settings: Settings) -> Command | None:
        account = self._account(settings)
        return None if account is None else laml_api.hang_up(account, call)

    def transfer(self, call: str, to: str, settings: Settings, *, caller_id: str = "") -> Command | None:
        account = self._account(settings)
        return None if account is None else laml_api.transfer(account, call, to, caller_id)
