"""What Azure Communication Services posts: Event Grid's events and call automation's callbacks (reference 5.1, 5.2)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.carrier_peers.http import Asked, json_request
from tests.carrier_peers.ids import hex_id, new_uuid

__all__ = [
    "ISSUER",
    "OPENID",
    "AcsCall",
    "Resource",
    "callback",
    "incoming",
    "openid",
    "token",
    "validation",
]

ISSUER = "https://acscallautomation.communication.azure.com"
OPENID = "/calling/.well-known/acsopenidconfiguration"
KEYS = "/calling/keys"
WEBHOOK_S, SOCKET_S = 300, 24 * 3600
"""How long a token lives: on a callback, and on a socket."""
TOPIC = "/subscriptions/00/resourceGroups/rg/providers/Microsoft.Communication/CommunicationServices/acs"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its immutable id is the audience of every token, its access key signs what it is asked."""

    id: str = field(default_factory=new_uuid)
    access_key: str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))


@dataclass(frozen=True, slots=True)
class AcsCall:
    """The ids of one call."""

    from_: str = "+15550100001"
    to: str = "+15550100002"
    connection: str = field(default_factory=new_uuid)
    server: str = field(default_factory=lambda: hex_id(24))
    correlation: str = field(default_factory=new_uuid)
    context: str = field(default_factory=lambda: f"ctx.{hex_id(40)}")


def token(resource: Resource, lifetime_s: int, at: float | None = None) -> str:
    """A JWT of Azure's, made at a Unix time (now)."""
    now = round(time.time() if at is None else at)
    claims = {"iss": ISSUER, "aud": resource.id, "iat": now, "nbf": now, "exp": now + lifetime_s}
    return jwt.encode({"alg": "RS256", "kid": resource.key.kid, "typ": "JWT"}, claims, resource.key)


def openid(base: str) -> dict[str, object]:
    """The document at `OPENID`, which says where the keys are."""
    return {
        "issuer": ISSUER,
        "jwks_uri": f"{base}{KEYS}",
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def validation(url: str, code: str) -> Asked:
    """Event Grid asks whether the URL wants its events; the code has to come back."""
    data = {"validationCode": code, "validationUrl": f"https://rp.eventgrid.azure.net/validate?id={code}"}
    event = _grid("Microsoft.EventGrid.SubscriptionValidationEvent", TOPIC, data)
    return replace(_posted(url, [event]), headers=_aeg("SubscriptionValidation"))


def incoming(url: str, call: AcsCall, event_id: str | None = None) -> Asked:
    """A call comes in. The same event may be delivered more than once."""
    data = {
        "to": _phone(call.to),
        "from": _phone(call.from_),
        "serverCallId": call.server,
        "callerDisplayName": "",
        "incomingCallContext": call.context,
        "correlationId": call.correlation,
    }
    event = _grid("Microsoft.Communication.IncomingCall", TOPIC, data, event_id)
    return replace(_posted(url, [event]), headers=_aeg("Notification"))


def callback(
    resource: Resource,
    call: AcsCall,
    url: str,
    kind: str,
    data: Mapping[str, object] | None = None,
    code: int = 200,
    sub_code: int = 0,
    message: str = "",
) -> Asked:
    """One event of a call, such as `CallConnected`, as an array with one CloudEvent."""
    source = f"calling/callConnections/{call.connection}"
    about = {
        "callConnectionId": call.connection,
        "serverCallId": call.server,
        "correlationId": call.correlation,
        "resultInformation": {"code": code, "subCode": sub_code, "message": message},
        "version": "2026-03-12",
        "publicEventType": f"Microsoft.Communication.{kind}",
    }
    event = {
        "id": new_uuid(),
        "source": source,
        "type": f"Microsoft.Communication.{kind}",
        "data": {**about, **(data or {})},
        "time": _now(),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "subject": source,
    }
    asked = _posted(url, [event])
    bearer = {"Authorization": f"Bearer {token(resource, WEBHOOK_S)}"}
    return replace(asked, headers={**asked.headers, **bearer})


def _grid(
    kind: str, topic: str, data: Mapping[str, object], event_id: str | None = None
) -> dict[str, object]:
    return {
        "id": event_id or new_uuid(),
        "topic": topic,
        "subject": "",
        "data": dict(data),
        "eventType": kind,
        "eventTime": _now(),
        "metadataVersion": "1",
        "dataVersion": "1.0",
    }


def _phone(number: str) -> dict[str, object]:
    return {"kind": "phoneNumber", "rawId": f"4:{number}", "phoneNumber": {"value": number}}


def _posted(url: str, events: Sequence[Mapping[str, object]]) -> Asked:
    return json_request(url, list(events), kind="application/json; charset=utf-8")


def _aeg(kind: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "aeg-event-type": kind,
        "aeg-subscription-name": "CALLS",
        "aeg-delivery-count": "0",
        "aeg-data-version": "1.0",
        "aeg-metadata-version": "1",
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
