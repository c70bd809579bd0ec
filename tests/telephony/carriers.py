"""Strict carriers with an API, each with the settings of an account there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tests.carrier_peers.acs_hooks import OPENID
from tests.carrier_peers.acs_peer import AcsPeer
from tests.carrier_peers.plivo_peer import PlivoPeer
from tests.carrier_peers.telnyx_peer import TelnyxPeer
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.vonage_hooks import Account as VonageAccount
from tests.carrier_peers.vonage_peer import VonagePeer

__all__ = ["ACS_SECRET", "APIS", "CARRIERS", "OTHERS", "OURS", "PUBLIC", "VONAGE", "carrier_call", "ended"]

PUBLIC = "https://voice.example.test"
OURS = "+15550100002"
VONAGE = VonageAccount()
ACS_SECRET = "0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def _twilio() -> AsyncIterator[tuple[TwilioPeer, dict[str, str]]]:
    async with TwilioPeer.open() as peer:
        yield (
            peer,
            {
                "TWILIO_ACCOUNT_SID": peer.account.sid,
                "TWILIO_AUTH_TOKEN": peer.account.token,
                "TWILIO_PHONE_NUMBER": OURS,
                "PARLEY_TWILIO_API_URL": peer.base,
            },
        )


@asynccontextmanager
async def _telnyx() -> AsyncIterator[tuple[TelnyxPeer, dict[str, str]]]:
    async with TelnyxPeer.open(f"{PUBLIC}/telephony/telnyx/voice") as peer:
        yield (
            peer,
            {
                "TELNYX_PUBLIC_KEY": peer.keys.public,
                "TELNYX_API_KEY": peer.api_key,
                "TELNYX_CONNECTION_ID": "1494404757140276705",
                "TELNYX_PHONE_NUMBER": OURS,
                "PARLEY_TELNYX_API_URL": f"{peer.base}/v2",
            },
        )


@asynccontextmanager
async def _vonage() -> AsyncIterator[tuple[VonagePeer, dict[str, str]]]:
    async with VonagePeer.open(VONAGE) as peer:
        yield (
            peer,
            {
                "VONAGE_SIGNATURE_SECRET": VONAGE.secret,
                "VONAGE_APPLICATION_ID": VONAGE.application,
                "VONAGE_PRIVATE_KEY": VONAGE.private_key.replace("\n", "\\n"),
                "VONAGE_PHONE_NUMBER": OURS,
                "PARLEY_VONAGE_API_URL": peer.base,
            },
        )


@asynccontextmanager
async def _plivo() -> AsyncIterator[tuple[PlivoPeer, dict[str, str]]]:
    async with PlivoPeer.open() as peer:
        yield (
            peer,
            {
                "PLIVO_AUTH_ID": peer.account.auth_id,
                "PLIVO_AUTH_TOKEN": peer.account.token,
                "PLIVO_PHONE_NUMBER": OURS,
                "PARLEY_PLIVO_API_URL": peer.base,
            },
        )


@asynccontextmanager
async def _acs() -> AsyncIterator[tuple[AcsPeer, dict[str, str]]]:
    async with AcsPeer.open() as peer:
        yield (
            peer,
            {
                "ACS_CONNECTION_STRING": f"endpoint={peer.base}/;accesskey={peer.resource.access_key}",
                "ACS_RESOURCE_ID": peer.resource.id,
                "PARLEY_ACS_SECRET": ACS_SECRET,
                "ACS_PHONE_NUMBER": OURS,
                "PARLEY_ACS_OPENID_URL": f"{peer.base}{OPENID}",
            },
        )


CARRIERS: dict[str, Callable[[], AbstractAsyncContextManager[tuple[Any, dict[str, str]]]]] = {
    "twilio": _twilio,
    "telnyx": _telnyx,
    "vonage": _vonage,
    "plivo": _plivo,
    "acs": _acs,
}


@asynccontextmanager
async def _signalwire() -> AsyncIterator[tuple[TwilioPeer, dict[str, str]]]:
    async with TwilioPeer.open(prefix="/api/laml") as peer:
        yield (
            peer,
            {
                "SIGNALWIRE_SPACE_URL": peer.base,
                "SIGNALWIRE_PROJECT_ID": peer.account.sid,
                "SIGNALWIRE_API_TOKEN": peer.account.token,
                "SIGNALWIRE_PHONE_NUMBER": OURS,
            },
        )


APIS = CARRIERS | {"signalwire": _signalwire}
"""Those whose API alone is played, too."""
OTHERS = [name for name in CARRIERS if name != "acs"]
"""Without Azure, which ends no call that rings, and detects no machines."""


def carrier_call(carrier: str, phone: Any) -> str:
    """The carrier's own name of a call."""
    match carrier:
        case "twilio":
            return str(phone.call.sid)
        case "telnyx":
            return str(phone.ids.leg)
        case "vonage":
            return str(phone.legs.uuid)
        case "acs":
            return str(phone.call.correlation)
        case _:
            return str(phone.leg.uuid)


def ended(carrier: str, phone: Any) -> bool:
    """Whether the call is over at the carrier."""
    match carrier:
        case "twilio" | "signalwire":
            return phone.call.status in ("completed", "canceled", "busy")
        case "telnyx":
            return bool(phone.state == "hangup")
        case "acs":
            return bool(phone.state == "disconnected")
        case _:
            return not phone.live
