"""How Twilio, SignalWire, Telnyx, Vonage and Plivo bring a call, most of them with all they are. See `bringing`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from xml.etree import ElementTree

from tests.carrier_peers import plivo_hooks, telnyx_hooks, twilio_hooks, vonage_hooks
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.http import Asked, form_request
from tests.carrier_peers.ids import new_uuid
from tests.carrier_peers.manners import Manners
from tests.carrier_peers.plivo_peer import PlivoPeer
from tests.carrier_peers.signalwire_stream import SignalWireStream
from tests.carrier_peers.telnyx_peer import TelnyxPeer
from tests.carrier_peers.telnyx_stream import CallIds, TelnyxStream
from tests.carrier_peers.twilio_peer import TwilioPeer
from tests.carrier_peers.twilio_signing import signature as twilio_signature
from tests.carrier_peers.twilio_stream import Identity
from tests.carrier_peers.vonage_peer import VonagePeer
from tests.telephony.bringing import CALLED, CALLER, SECRET, Brought, Way, Wrong, asks
from tests.telephony.office import PUBLIC, Office

__all__ = ["WHOLE"]

TELNYX = telnyx_hooks.Keys()
COMPLETED = (("inbound_received", "ringing"), ("call_completed", "completed"))
ANSWERED = (("inbound_received", "ringing"), ("call_status", "answered"), ("call_completed", "completed"))


def at(carrier: str, path: str) -> str:
    return f"{PUBLIC}/telephony/{carrier}/{path}"


@asynccontextmanager
async def twilio(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    account = twilio_hooks.Account()
    if wrong.secret != SECRET:
        forged = twilio_hooks.voice(
            twilio_hooks.Account(token=wrong.secret), twilio_hooks.PhoneCall(), at("twilio", "voice")
        )
        await asks(server, forged if wrong.secret else forged.with_headers(X_Twilio_Signature=""))
    async with (
        TwilioPeer.open(account, server.url) as peer,
        peer.ring(at("twilio", "voice"), status_url=at("twilio", "status"), manners=manners) as phone,
    ):
        yield Brought(await phone.stream(), phone.call.sid)
    assert peer.faults == []


def signalwire_asks(path: str, fields: list[tuple[str, str]], secret: str) -> Asked:
    asked = form_request("POST", at("signalwire", path), fields)
    made = twilio_signature(secret, asked.url, fields) if secret else ""
    return asked.with_headers(X_SignalWire_Signature=made)


@asynccontextmanager
async def signalwire(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    who = Identity(new_uuid(), new_uuid(), new_uuid())
    about = [("CallSid", who.call), ("AccountSid", who.account), ("From", CALLER), ("To", CALLED)]
    ringing = [*about, ("CallStatus", "ringing"), ("Direction", "inbound")]
    answered = await asks(server, signalwire_asks("voice", ringing, wrong.secret))
    connect = ElementTree.fromstring(answered.text).find("Connect")
    assert connect is not None
    [order] = connect.findall("Stream")
    given = {one.attrib["name"]: one.attrib["value"] for one in order.findall("Parameter")}
    stream = SignalWireStream(who=who, parameters=given, bearer=order.attrib["authBearerToken"])
    async with dialling(stream, order.attrib["url"], via=server.url, manners=manners) as call:
        yield Brought(call, who.call)
    # The document goes on when the socket is gone: the caller has hung up, and the rest is told.
    over = [*about, ("CallStatus", "completed"), ("SequenceNumber", "3"), ("CallDuration", "4")]
    await asks(server, signalwire_asks("status", over, wrong.secret))
    after = await asks(
        server, signalwire_asks("after", [*about, ("CallStatus", "completed")], wrong.secret)
    )
    assert ElementTree.fromstring(after.text).find("Hangup") is not None


def texml_asks(path: str, fields: list[tuple[str, str]], secret: str) -> Asked:
    asked = form_request("POST", at("telnyx", path), fields)
    keys = TELNYX if secret == SECRET else telnyx_hooks.Keys()
    return telnyx_hooks.signed(keys, asked) if secret else asked


@asynccontextmanager
async def texml(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    ids = CallIds()
    about = [("CallSid", ids.control), ("From", CALLER), ("To", CALLED)]
    ringing = [*about, ("CallStatus", "ringing"), ("Direction", "inbound")]
    asked = wrong.replay.setdefault("asked", texml_asks("voice", ringing, wrong.secret))
    answered = await asks(server, asked)
    order = ElementTree.fromstring(answered.text).find("Connect/Stream")
    assert order is not None
    assert (order.attrib["bidirectionalMode"], order.attrib["bidirectionalCodec"]) == ("rtp", "PCMU")
    given = {one.attrib["name"]: one.attrib["value"] for one in order.findall("Parameter")}
    stream = TelnyxStream(ids=ids, parameters=given)
    async with dialling(stream, order.attrib["url"], via=server.url, manners=manners) as call:
        yield Brought(call, ids.control)
    over = [*about, ("CallStatus", "completed"), ("CallDuration", "4")]
    await asks(server, texml_asks("status", over, wrong.secret))


@asynccontextmanager
async def telnyx(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    peer = server.beside
    assert isinstance(peer, TelnyxPeer)
    peer.via = server.url
    if wrong.secret != SECRET:
        about = {"from": CALLER, "to": CALLED, "direction": "incoming", "state": "parked"}
        forged = telnyx_hooks.event(
            telnyx_hooks.Keys(), peer.webhook_url, "call.initiated", CallIds(), about
        )
        await asks(server, forged if wrong.secret else forged.with_headers(telnyx_signature_ed25519=""))
    async with peer.ring(manners=manners) as phone:
        yield Brought(await phone.stream(), phone.ids.leg)
    assert {fault.code for fault in peer.faults} <= {"90018"}


@asynccontextmanager
async def vonage(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    account = vonage_hooks.Account()
    if wrong.secret != SECRET:
        other = replace(account, secret=wrong.secret or SECRET)
        forged = vonage_hooks.answer(other, vonage_hooks.Legs(), at("vonage", "voice"))
        await asks(server, forged if wrong.secret else forged.with_headers(Authorization=""))
    async with (
        VonagePeer.open(account, event_url=at("vonage", "status"), via=server.url) as peer,
        peer.ring(at("vonage", "voice"), manners=manners) as phone,
    ):
        yield Brought(await phone.stream(), phone.legs.uuid)
    assert peer.faults == []


@asynccontextmanager
async def plivo(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    if wrong.secret != SECRET:
        other = plivo_hooks.Account(token=wrong.secret or SECRET)
        forged = plivo_hooks.answer(other, plivo_hooks.PhoneLeg(), at("plivo", "voice"))
        await asks(
            server,
            forged
            if wrong.secret
            else forged.with_headers(X_Plivo_Signature_V3="", X_Plivo_Signature_Ma_V3=""),
        )
    async with (
        PlivoPeer.open(plivo_hooks.Account(), server.url) as peer,
        peer.ring(at("plivo", "voice"), hangup_url=at("plivo", "status"), manners=manners) as phone,
    ):
        yield Brought(await phone.stream(), phone.leg.uuid)
    assert peer.faults == []


WHOLE: dict[str, Way] = {
    "twilio": Way("twilio", twilio, {"TWILIO_AUTH_TOKEN": SECRET}, COMPLETED, shared=True),
    "signalwire": Way("signalwire", signalwire, {"SIGNALWIRE_SIGNING_KEY": SECRET}, COMPLETED, shared=True),
    "telnyx, by command": Way(
        "telnyx",
        telnyx,
        {},
        ANSWERED,
        shared=True,
        beside=partial(TelnyxPeer.open, at("telnyx", "voice")),
    ),
    "telnyx, by document": Way("telnyx", texml, {"TELNYX_PUBLIC_KEY": TELNYX.public}, COMPLETED),
    "vonage": Way("vonage", vonage, {"VONAGE_SIGNATURE_SECRET": SECRET}, ANSWERED, shared=True),
    "plivo": Way("plivo", plivo, {"PLIVO_AUTH_TOKEN": SECRET}, COMPLETED, shared=True),
}
