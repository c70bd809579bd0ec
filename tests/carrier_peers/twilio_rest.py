"""What Twilio's Calls API takes (reference 1.5; twilio.rest.api.v2010.account.call of the vendor's package 9.13)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.carrier_peers.faults import Broken
from tests.carrier_peers.twilio_hooks import PhoneCall
from tests.carrier_peers.twiml import document
from tests.carrier_peers.words import words

__all__ = ["Change", "Dialled", "Refusal", "change", "dialled", "resource"]

RULE = "telephony 1.5"
VERSION = "2010-04-01"

PARAMETERS = words(
    """To From Url Twiml ApplicationSid Method FallbackUrl FallbackMethod StatusCallback StatusCallbackEvent
    StatusCallbackMethod SendDigits Timeout Record RecordingChannels RecordingStatusCallback
    RecordingStatusCallbackMethod RecordingConfigurationId SipAuthUsername SipAuthPassword MachineDetection
    MachineDetectionTimeout RecordingStatusCallbackEvent Trim CallerId MachineDetectionSpeechThreshold
    MachineDetectionSpeechEndThreshold MachineDetectionSilenceTimeout AsyncAmd AsyncAmdStatusCallback
    AsyncAmdStatusCallbackMethod Byoc CallReason CallToken RecordingTrack TimeLimit"""
)
CHANGEABLE = words(
    """Url Method Status FallbackUrl FallbackMethod StatusCallback StatusCallbackMethod Twiml TimeLimit"""
)
REPEATABLE = frozenset({"StatusCallbackEvent", "RecordingStatusCallbackEvent"})
RANGES = {
    "Timeout": (1, 600),
    "TimeLimit": (1, 86400),
    "MachineDetectionTimeout": (3, 59),
    "MachineDetectionSpeechThreshold": (1000, 6000),
    "MachineDetectionSpeechEndThreshold": (500, 5000),
    "MachineDetectionSilenceTimeout": (2000, 10000),
}
WORDS = {
    "Method": ("GET", "POST"),
    "StatusCallbackMethod": ("GET", "POST"),
    "FallbackMethod": ("GET", "POST"),
    "AsyncAmdStatusCallbackMethod": ("GET", "POST"),
    "StatusCallbackEvent": ("initiated", "ringing", "answered", "completed"),
    "MachineDetection": ("Enable", "DetectMessageEnd"),
    "AsyncAmd": ("true", "false"),
    "Record": ("true", "false"),
    "RecordingChannels": ("mono", "dual"),
    "RecordingTrack": ("inbound", "outbound", "both"),
    "Trim": ("trim-silence", "do-not-trim"),
}
URLS = ("Url", "FallbackUrl", "StatusCallback", "RecordingStatusCallback", "AsyncAmdStatusCallback")
LONGEST_TWIML = 4000
PARTY = re.compile(r"\+[1-9]\d{1,14}|client:[\w.@-]+|sips?:\S+@\S+")
DIGITS = re.compile(r"[0-9A-D#*wW]{1,32}")


class Refusal(Broken):
    """An answer with Twilio's error JSON."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(str(code), message, RULE)
        self.status = status

    @property
    def body(self) -> dict[str, object]:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": int(self.code), "message": self.message, "more_info": more, "status": self.status}


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call that the application wants made."""

    call: PhoneCall
    fields: Mapping[str, str]
    events: frozenset[str]
    """Which status callbacks it wants."""
    url: str | None = None
    twiml: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Change:
    """What the application wants of a live call."""

    url: str | None = None
    twiml: str | None = None
    method: str = "POST"
    status: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def dialled(form: Sequence[tuple[str, str]]) -> Dialled:
    """Judge `POST …/Calls.json`. Raises Refusal."""
    fields = _fields(form, PARAMETERS)
    if not PARTY.fullmatch(fields.get("To", "")):
        raise Refusal(400, 21211 if fields.get("To") else 21201, "invalid 'To'")
    if not PARTY.fullmatch(fields.get("From", "")):
        raise Refusal(400, 21212 if fields.get("From") else 21213, "invalid 'From'")
    _one_of(fields, ("Url", "Twiml", "ApplicationSid"))
    if (digits := fields.get("SendDigits")) and not DIGITS.fullmatch(digits):
        raise Refusal(400, 20001, f"SendDigits {digits!r}")
    if "SendDigits" in fields and "MachineDetection" in fields:
        raise Refusal(400, 20001, "SendDigits turns MachineDetection off")
    if fields.get("AsyncAmd") == "true" and "MachineDetection" not in fields:
        raise Refusal(400, 20001, "AsyncAmd without MachineDetection")
    wanted = frozenset(value for name, value in form if name == "StatusCallbackEvent")
    call = PhoneCall(fields["From"], fields["To"], "outbound-api", "queued")
    events = (wanted or {"completed"}) if "StatusCallback" in fields else frozenset[str]()
    url, twiml = fields.get("Url"), fields.get("Twiml")
    return Dialled(call, fields, frozenset(events), url, twiml, fields.get("Method", "POST"))


def change(form: Sequence[tuple[str, str]], call: PhoneCall) -> Change:
    """Judge `POST …/Calls/{CA}.json` for a call as it is now. Raises Refusal."""
    fields = _fields(form, CHANGEABLE)
    if call.status in ("completed", "busy", "failed", "no-answer", "canceled"):
        raise Refusal(404, 20404, f"the call {call.sid} has ended")
    wanted = fields.get("Status")
    if wanted is not None:
        if wanted not in ("completed", "canceled"):
            raise Refusal(400, 20001, f"Status {wanted!r}")
        if wanted == "canceled" and call.status not in ("queued", "ringing"):
            raise Refusal(400, 21220, "only a queued or ringing call can be canceled")
    if wanted is None or "Url" in fields or "Twiml" in fields:
        _one_of(fields, ("Url", "Twiml"))
        if call.status != "in-progress":
            raise Refusal(400, 21220, "the call is not in progress")
    url, twiml = fields.get("Url"), fields.get("Twiml")
    return Change(url, twiml, fields.get("Method", "POST"), wanted, fields)


def resource(account: str, call: PhoneCall) -> dict[str, object]:
    """The call as the API shows it."""
    path = f"/{VERSION}/Accounts/{account}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "account_sid": account,
        "api_version": VERSION,
        "from": call.from_,
        "from_formatted": call.from_,
        "to": call.to,
        "to_formatted": call.to,
        "status": call.status,
        "direction": call.direction,
        "answered_by": None,
        "duration": None,
        "start_time": None,
        "end_time": None,
        "price": None,
        "price_unit": "USD",
        "parent_call_sid": None,
        "uri": f"{path}.json",
        "subresource_uris": {"recordings": f"{path}/Recordings.json", "streams": f"{path}/Streams.json"},
    }


def _fields(form: Sequence[tuple[str, str]], known: frozenset[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in form:
        if name not in known:
            raise Refusal(400, 20001, f"unknown parameter {name!r}")
        if name in fields and name not in REPEATABLE:
            raise Refusal(400, 20001, f"parameter {name!r} twice")
        if name in WORDS and value not in WORDS[name]:
            raise Refusal(400, 20001, f"{name} {value!r}")
        if name in RANGES and not (value.isdecimal() and RANGES[name][0] <= int(value) <= RANGES[name][1]):
            raise Refusal(400, 20001, f"{name} {value!r}")
        if name in URLS and not re.match(r"https?://[^/_]+(/|$)", value):
            raise Refusal(400, 21205, f"{name} is no URL: {value!r}")
        fields[name] = value
    return fields


def _one_of(fields: Mapping[str, str], names: Sequence[str]) -> None:
    if sum(name in fields for name in names) != 1:
        raise Refusal(400, 21205, f"exactly one of {', '.join(names)} is needed")
    if (twiml := fields.get("Twiml")) is not None:
        if len(twiml) > LONGEST_TWIML:
            raise Refusal(400, 21617, f"Twiml has {len(twiml)} characters; {LONGEST_TWIML} are allowed")
        try:
            document(twiml)
        except Broken as broken:
            raise Refusal(400, int(broken.code), broken.message) from None
