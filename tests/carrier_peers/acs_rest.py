"""What call automation's API takes (reference 5.2; azure-communication-callautomation 1.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from tests.carrier_peers.faults import Broken
from tests.carrier_peers.rest import Request
from tests.carrier_peers.strict import Strict

__all__ = ["ACTIONS", "ANSWER", "CREATE", "REJECT", "Answer", "Create", "Media", "Refusal", "authenticate"]

RULE = "telephony 5.2"
VERSIONS = ("2024-09-15", "2025-05-15", "2025-06-15", "2026-03-12")
SKEW_S = 300
PREFIX = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="

Wss = Annotated[str, Field(pattern=r"^wss://[^/]")]
Https = Annotated[str, Field(pattern=r"^https://[^/]")]
Number = Annotated[str, Field(pattern=r"^\+[1-9]\d{1,14}$")]
Tone = Literal[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "a", "b", "c", "d", "pound", "asterisk",
]  # fmt: skip


class PhoneNumber(Strict):
    value: Number


class Identifier(Strict):
    kind: Literal["phoneNumber", "communicationUser"] | None = None
    rawId: str | None = None
    phoneNumber: PhoneNumber | None = None
    communicationUser: dict[str, Any] | None = None


class Media(Strict):
    """`mediaStreamingOptions`."""

    transportType: Literal["websocket"]
    transportUrl: Wss
    contentType: Literal["audio"]
    audioChannelType: Literal["mixed", "unmixed"]
    startMediaStreaming: bool = False
    enableBidirectional: bool = False
    audioFormat: Literal["pcm16KMono", "pcm24KMono"] = "pcm16KMono"
    enableDtmfTones: bool = False


class Answer(Strict):
    """Body of `POST /calling/callConnections:answer`."""

    incomingCallContext: Annotated[str, Field(min_length=1)]
    callbackUri: Https
    operationContext: str | None = None
    mediaStreamingOptions: Media | None = None
    callIntelligenceOptions: dict[str, Any] | None = None
    answeredBy: dict[str, Any] | None = None


class Create(Strict):
    """Body of `POST /calling/callConnections`."""

    targets: Annotated[list[Identifier], Field(min_length=1)]
    callbackUri: Https
    sourceCallerIdNumber: PhoneNumber | None = None
    sourceDisplayName: str | None = None
    source: dict[str, Any] | None = None
    operationContext: str | None = None
    mediaStreamingOptions: Media | None = None
    callIntelligenceOptions: dict[str, Any] | None = None


class Reject(Strict):
    incomingCallContext: str
    callRejectReason: Literal["none", "busy", "forbidden"] = "none"


class Redirect(Strict):
    incomingCallContext: str
    target: Identifier


class Transfer(Strict):
    targetParticipant: Identifier
    transferee: Identifier | None = None
    sourceCallerIdNumber: PhoneNumber | None = None
    operationContext: str | None = None
    operationCallbackUri: Https | None = None
    customCallingContext: dict[str, Any] | None = None


class Dtmf(Strict):
    tones: Annotated[list[Tone], Field(min_length=1)]
    targetParticipant: Identifier
    operationContext: str | None = None
    operationCallbackUri: Https | None = None


class Operation(Strict):
    operationContext: str | None = None
    operationCallbackUri: Https | None = None


class Hold(Operation):
    targetParticipant: Identifier
    playSourceInfo: dict[str, Any] | None = None


ANSWER = TypeAdapter(Answer)
CREATE = TypeAdapter(Create)
REJECT = TypeAdapter(Reject)
ACTIONS: dict[str, TypeAdapter[Any]] = {
    "terminate": TypeAdapter(Operation),
    "transferToParticipant": TypeAdapter(Transfer),
    "sendDtmfTones": TypeAdapter(Dtmf),
    "startMediaStreaming": TypeAdapter(Operation),
    "stopMediaStreaming": TypeAdapter(Operation),
    "hold": TypeAdapter(Hold),
    "unhold": TypeAdapter(Hold),
    "redirect": TypeAdapter(Redirect),
}


class Refusal(Broken):
    """An answer with Azure's error JSON."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message, RULE)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}


def authenticate(request: Request, access_key: str) -> None:
    """Judge a request's signature. Raises Refusal."""
    headers = request.headers
    date, host = headers.get("x-ms-date", ""), headers.get("Host", "")
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if headers.get("x-ms-content-sha256") != digest:
        raise Refusal(401, "Unauthorized", "x-ms-content-sha256 is not that of the body")
    try:
        age = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except ValueError:
        raise Refusal(401, "Unauthorized", f"x-ms-date {date!r}") from None
    if age > SKEW_S:
        raise Refusal(401, "Unauthorized", "a request of another time")
    target = request.path + (f"?{request.raw_query}" if request.raw_query else "")
    text = f"{request.method}\n{target}\n{date};{host};{digest}"
    mac = hmac.new(base64.b64decode(access_key), text.encode(), hashlib.sha256).digest()
    wanted = PREFIX + base64.b64encode(mac).decode()
    if not hmac.compare_digest(headers.get("Authorization", ""), wanted):
        raise Refusal(401, "Unauthorized", "the signature does not match")
    if request.query.get("api-version") not in VERSIONS:
        raise Refusal(400, "InvalidApiVersion", f"api-version {request.query.get('api-version')!r}")
