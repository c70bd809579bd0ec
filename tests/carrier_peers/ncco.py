"""NCCOs and calls as Vonage's API takes them (reference 3.1, 3.3; vonage_voice.models of the vendor's package 1.5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Answered
from tests.carrier_peers.strict import Strict, dumped, judged

__all__ = ["Action", "Change", "Connect", "CreateCall", "WebSocketEndpoint", "answered_ncco", "ncco"]

RULE = "telephony 3.1"
LONGEST_HEADERS = 512


def _socket(uri: str) -> str:
    if not uri.startswith("wss://"):
        raise ValueError("the uri of a websocket begins with wss://")
    return uri


def _short(headers: dict[str, Any]) -> dict[str, Any]:
    if len(dumped(headers)) > LONGEST_HEADERS:
        raise ValueError("headers of more than 512 bytes")
    return headers


Number = Annotated[str, Field(pattern=r"^[1-9]\d{6,14}$")]
"""E.164 without the plus."""
Url = Annotated[str, Field(pattern=r"^https?://[^/]")]
Urls = Annotated[list[Url], Field(min_length=1, max_length=1)]
Method = Literal["GET", "POST"]
Digits = Annotated[str, Field(pattern=r"^[0-9*#p]+$")]


class Authorization(Strict):
    type: Literal["vonage", "custom"]
    value: str | None = None


class WebSocketEndpoint(Strict):
    type: Literal["websocket"]
    uri: Annotated[str, AfterValidator(_socket)]
    content_type: Annotated[
        Literal["audio/l16;rate=8000", "audio/l16;rate=16000", "audio/l16;rate=24000"],
        Field(alias="content-type"),
    ]
    headers: Annotated[dict[str, Any], AfterValidator(_short)] = Field(default_factory=dict)
    authorization: Authorization | None = None

    @property
    def rate(self) -> Literal[8000, 16000, 24000]:
        rates: dict[str, Literal[8000, 16000, 24000]] = {"8000": 8000, "16000": 16000, "24000": 24000}
        return rates[self.content_type.rpartition("=")[2]]


class OnAnswer(Strict):
    url: Url
    ringbackTone: str | None = None


class PhoneEndpoint(Strict):
    type: Literal["phone"]
    number: Number
    dtmfAnswer: Digits | None = None
    onAnswer: OnAnswer | None = None
    shaken: str | None = None


class SipEndpoint(Strict):
    type: Literal["sip"]
    uri: Annotated[str, Field(pattern=r"^sips?:\S+@\S+$")]
    headers: dict[str, Any] | None = None
    standardHeaders: dict[str, Any] | None = None


Endpoint = Annotated[WebSocketEndpoint | PhoneEndpoint | SipEndpoint, Field(discriminator="type")]


class MachineDetection(Strict):
    behavior: Literal["continue", "hangup"] | None = None
    mode: Literal["default", "detect", "detect_beep"] | None = None
    beep_timeout: Annotated[int, Field(ge=45, le=120)] | None = None


class _Told(Strict):
    eventUrl: Urls | None = None
    eventMethod: Method | None = None


class Connect(_Told):
    action: Literal["connect"]
    endpoint: Annotated[list[Endpoint], Field(min_length=1, max_length=1)]
    from_: Annotated[Number | None, Field(alias="from")] = None
    randomFromNumber: bool | None = None
    eventType: Literal["synchronous"] | None = None
    timeout: int | None = None
    limit: Annotated[int, Field(le=7200)] | None = None
    machineDetection: Literal["continue", "hangup"] | None = None
    advancedMachineDetection: MachineDetection | None = None
    ringbackTone: list[str] | None = None


class Talk(Strict):
    action: Literal["talk"]
    text: Annotated[str, Field(max_length=1500)]
    bargeIn: bool | None = None
    loop: Annotated[int, Field(ge=0)] | None = None
    level: Annotated[float, Field(ge=-1, le=1)] | None = None
    language: str | None = None
    style: int | None = None
    premium: bool | None = None


class Conversation(_Told):
    action: Literal["conversation"]
    name: str
    musicOnHoldUrl: Urls | None = None
    startOnEnter: bool | None = None
    endOnExit: bool | None = None
    record: bool | None = None
    canSpeak: list[str] | None = None
    canHear: list[str] | None = None
    mute: bool | None = None


class Record(_Told):
    action: Literal["record"]
    format: Literal["mp3", "wav", "ogg"] | None = None
    split: Literal["conversation"] | None = None
    channels: Annotated[int, Field(ge=1, le=32)] | None = None
    endOnSilence: Annotated[int, Field(ge=3, le=10)] | None = None
    endOnKey: Annotated[str, Field(pattern=r"^[0-9#*]$")] | None = None
    timeOut: Annotated[int, Field(ge=3, le=7200)] | None = None
    beepStart: bool | None = None


class Notify(_Told):
    action: Literal["notify"]
    payload: dict[str, Any]


Action = Annotated[Connect | Talk | Conversation | Record | Notify, Field(discriminator="action")]
_NCCO: TypeAdapter[list[Action]] = TypeAdapter(list[Action])


class ToPhone(Strict):
    type: Literal["phone"]
    number: Number
    dtmfAnswer: Digits | None = None
    shaken: str | None = None


class FromPhone(Strict):
    type: Literal["phone"]
    number: Number


class CreateCall(Strict):
    """Body of `POST /v1/calls`."""

    to: Annotated[list[ToPhone], Field(min_length=1, max_length=1)]
    from_: Annotated[FromPhone | None, Field(alias="from")] = None
    random_from_number: bool | None = None
    ncco: list[Action] | None = None
    answer_url: Urls | None = None
    answer_method: Method | None = None
    event_url: Urls | None = None
    event_method: Method | None = None
    machine_detection: Literal["continue", "hangup"] | None = None
    advanced_machine_detection: MachineDetection | None = None
    length_timer: Annotated[int, Field(ge=1, le=86400)] | None = None
    ringing_timer: Annotated[int, Field(ge=1, le=120)] | None = None


class Destination(Strict):
    type: Literal["ncco"]
    ncco: list[Action] | None = None
    url: Urls | None = None


class Change(Strict):
    """Body of `PUT /v1/calls/{uuid}`."""

    action: Literal["hangup", "mute", "unmute", "earmuff", "unearmuff", "transfer"]
    destination: Destination | None = None


def ncco(value: object) -> list[Action]:
    """Judge an NCCO. Raises Broken."""
    return judged(_NCCO, value, "ncco", RULE)


def answered_ncco(answered: Answered) -> list[Action]:
    """The NCCO of a webhook's answer. Raises Broken."""
    if answered.type != "application/json":
        raise Broken("ncco", f"content type {answered.type!r}", RULE)
    try:
        value: object = answered.json
    except ValueError:
        raise Broken("ncco", "not JSON", RULE) from None
    return ncco(value)
