"""How each carrier brings a call to a server: its webhooks where it has any, its proofs, its socket.

One `Way` for each, found by `WAYS`. Whatever is done otherwise than the carrier does it is said by `Wrong`.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.carrier_peers import acs_hooks
from tests.carrier_peers.acs_peer import AcsPeer
from tests.carrier_peers.acs_stream import AcsStream
from tests.carrier_peers.asterisk_websocket_stream import AsteriskWebSocketStream
from tests.carrier_peers.audiosocket_call import dialling_tcp
from tests.carrier_peers.audiosocket_stream import AudioSocketStream, packet
from tests.carrier_peers.call import Call
from tests.carrier_peers.dialling import dialling
from tests.carrier_peers.exotel_stream import ExotelStream
from tests.carrier_peers.freeswitch_stream import FreeSwitchStream
from tests.carrier_peers.genesys_signing import Hook, signed_headers
from tests.carrier_peers.genesys_stream import GenesysStream
from tests.carrier_peers.http import Answered, Asked, deliver, form_request, json_request
from tests.carrier_peers.jambonz_stream import JambonzStream
from tests.carrier_peers.manners import Manners
from tests.carrier_peers.sockets import Refused
from tests.telephony.office import PUBLIC, Office
from tests.telephony.record import basic

__all__ = ["CALLED", "CALLER", "SECRET", "WAYS", "Brought", "Way", "Wrong"]

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
SOCKETS = PUBLIC.replace("https", "wss")
CALLER, CALLED = "+15550100001", "+15550100002"
LONG = b"\xff" * 60_001
GENESYS = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong about a call's proof."""

    secret: str = SECRET
    """What the carrier proves itself with; empty: nothing."""
    replay: dict[str, Any] = field(default_factory=dict)
    """Filled by the first call, and sent again by the second with the same one."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A call that a carrier has brought."""

    call: Call[Any]
    name: str
    """As the carrier calls it."""


Bring = Callable[[Office, Wrong, Manners], AbstractAsyncContextManager[Brought]]


@dataclass(frozen=True, slots=True)
class Way:
    leg: str
    bring: Bring
    settings: Mapping[str, str]
    events: tuple[tuple[str, str], ...] = (
        ("inbound_received", "ringing"),
        ("call_completed", "completed"),
    )
    keys: bool = True
    """Keys come over the stream."""
    shared: bool = False
    """The same secret is shown in every call, or a carrier that is there as a whole repeats nothing by itself."""
    garbage: tuple[str | bytes, ...] = ("{", LONG)
    beside: Callable[[], AbstractAsyncContextManager[Any]] | None = None
    """The carrier's API."""
    dropped: str = "caller/hung-up"
    """How a call ends whose socket breaks."""


async def asks(server: Office, asked: Asked) -> Answered:
    """Raises sockets.Refused for anything but 200."""
    answered = await deliver(asked, server.url)
    if answered.status != 200:
        raise Refused(answered.status, answered.text)
    return answered


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


# ── sockets that prove themselves ─────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def asterisk_websocket(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    name = str(uuid.uuid4())
    told = urlencode({"call": name, "caller": CALLER, "called": CALLED})
    headers = {"Authorization": basic("parley", wrong.secret)} if wrong.secret else {}
    url = f"{SOCKETS}/telephony/asterisk_websocket/stream?{told}"
    stream = AsteriskWebSocketStream(control="json")
    async with dialling(stream, url, headers=headers, via=server.url, manners=manners) as call:
        yield Brought(call, name)


@asynccontextmanager
async def genesys(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    url = f"{SOCKETS}/telephony/genesys/stream"
    secret = {"": None, SECRET: GENESYS}.get(wrong.secret, "ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=")
    hook = wrong.replay.setdefault("hook", Hook("demo-api-key", secret))
    headers = wrong.replay.setdefault("headers", signed_headers(hook, url))
    stream = GenesysStream(hook)
    async with dialling(stream, url, headers=headers, via=server.url, manners=manners) as call:
        yield Brought(call, hook.session)


@asynccontextmanager
async def exotel_socket(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    credentials = ("parley", wrong.secret) if wrong.secret else None
    stream = ExotelStream(16000, credentials=credentials, numbers=("08001234567", CALLED))
    url = f"{SOCKETS}/telephony/exotel/stream?sample-rate=16000"
    async with dialling(stream, url, via=server.url, manners=manners) as call:
        yield Brought(call, stream.call)


@asynccontextmanager
async def freeswitch_socket(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    name = str(uuid.uuid4())
    headers = {**bearer(wrong.secret), "X-Call": name, "X-Caller": CALLER, "X-Called": CALLED}
    stream = FreeSwitchStream(16000, {"uuid": name}, headers, "patched")
    url = f"{SOCKETS}/telephony/freeswitch/stream?rate=16000&clears=1"
    async with dialling(stream, url, via=server.url, manners=manners) as call:
        yield Brought(call, name)


# ── webhooks first ────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def exotel(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    stream = ExotelStream(16000)
    given = f"?secret={wrong.secret}" if wrong.secret else ""
    hook = f"{PUBLIC}/telephony/exotel/voice{given}"
    fields = [("CallSid", stream.call), ("CallFrom", "08001234567"), ("CallTo", CALLED)]
    url = wrong.replay.get("url") or (await asks(server, form_request("GET", hook, fields))).json["url"]
    wrong.replay["url"] = url
    assert "sample-rate=16000" in url
    stream.parameters = {"token": url.rpartition("token=")[2]}
    async with dialling(stream, url, via=server.url, manners=manners) as call:
        yield Brought(call, stream.call)
    passed = [
        ("CallSid", stream.call),
        ("Direction", "incoming"),
        ("Stream[StreamSID]", stream.stream),
        ("Stream[Status]", "completed"),
        ("Stream[Duration]", "3"),
        ("Stream[DisconnectedBy]", "user"),
    ]
    await asks(server, form_request("GET", f"{PUBLIC}/telephony/exotel/status{given}", passed))


@asynccontextmanager
async def freeswitch(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    name = str(uuid.uuid4())
    given = f"?secret={wrong.secret}" if wrong.secret else ""
    fields = [("uuid", name), ("caller", CALLER), ("called", CALLED)]
    asked = form_request("POST", f"{PUBLIC}/telephony/freeswitch/voice{given}", fields)
    url = wrong.replay.get("url") or (await asks(server, asked)).text
    wrong.replay["url"] = url
    stream = FreeSwitchStream(8000, {"uuid": name})
    async with dialling(stream, url, via=server.url, manners=manners) as call:
        yield Brought(call, name)


def jambonz_asks(path: str, fields: Mapping[str, object], secret: str) -> Asked:
    asked = json_request(f"{PUBLIC}/telephony/jambonz/{path}", dict(fields))
    at = round(time.time())
    mac = hmac.new(secret.encode(), f"{at}.".encode() + asked.body, hashlib.sha256).hexdigest()
    return asked.with_headers(Jambonz_Signature=f"t={at},v1={mac}") if secret else asked


@asynccontextmanager
async def jambonz(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    name = str(uuid.uuid4())
    about = {
        "call_sid": name,
        "direction": "inbound",
        "from": CALLER,
        "to": CALLED,
        "call_id": f"{name}@sip",
    }
    ringing = {**about, "call_status": "trying", "sip_status": 100}
    asked = wrong.replay.setdefault("asked", jambonz_asks("voice", ringing, wrong.secret))
    answer, listen = (await asks(server, asked)).json
    assert (answer["verb"], listen["verb"]) == ("answer", "listen")
    back = listen["bidirectionalAudio"]
    stream = JambonzStream(
        listen["sampleRate"],
        back["sampleRate"],
        back["streaming"],
        listen["metadata"],
        (listen["wsAuth"]["username"], listen["wsAuth"]["password"]),
        name,
        listen["passDtmf"],
    )
    up = {**about, "call_status": "in-progress", "sip_status": 200}
    await asks(server, jambonz_asks("status", up, wrong.secret))
    async with dialling(stream, listen["url"], via=server.url, manners=manners) as call:
        yield Brought(call, name)
    over = {**about, "call_status": "completed", "sip_status": 200, "duration": 3}
    await asks(server, jambonz_asks("status", over, wrong.secret))


@asynccontextmanager
async def audiosocket(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    name = str(uuid.uuid4())
    fields = [("Call", name), ("From", CALLER), ("To", CALLED)]
    asked = form_request("POST", f"{PUBLIC}/telephony/asterisk_audiosocket/voice", fields)
    asked = asked.with_headers(**bearer(wrong.secret))
    channel = wrong.replay.get("channel") or uuid.UUID((await asks(server, asked)).text)
    wrong.replay["channel"] = channel
    async with dialling_tcp(AudioSocketStream(8000, channel), *server.audiosocket, manners) as call:
        yield Brought(call, name)


@asynccontextmanager
async def acs(server: Office, wrong: Wrong, manners: Manners) -> AsyncIterator[Brought]:
    azure = server.beside
    assert isinstance(azure, AcsPeer)
    azure.via = server.url
    given = f"?secret={wrong.secret}" if wrong.secret else ""
    hook = f"{PUBLIC}/telephony/acs/voice{given}"
    if wrong.secret != SECRET:
        await asks(server, acs_hooks.incoming(hook, acs_hooks.AcsCall()))
    await azure.subscribe(hook)
    if "socket" in wrong.replay:
        url, connection = wrong.replay["socket"]
        bearer = acs_hooks.token(azure.resource, acs_hooks.SOCKET_S)
        stream = AcsStream("pcm24KMono", connection=connection, bearer=bearer)
        async with dialling(stream, url, via=server.url) as call:
            yield Brought(call, connection)
        return
    async with azure.ring(hook, times=2, manners=manners) as phone:
        call = await phone.stream()
        await phone.heard_of("CallConnected")
        assert phone.media is not None
        wrong.replay["socket"] = phone.media.transportUrl, phone.call.connection
        yield Brought(call, phone.call.correlation)
    # A caller may hang up as we do.
    assert {fault.code for fault in azure.faults} <= {"8522"}


WAYS: dict[str, Way] = {
    "asterisk_websocket": Way(
        "asterisk_websocket", asterisk_websocket, {"PARLEY_ASTERISK_SECRET": SECRET}, shared=True
    ),
    "asterisk_audiosocket": Way(
        "asterisk_audiosocket",
        audiosocket,
        {"PARLEY_ASTERISK_SECRET": SECRET, "PARLEY_AUDIOSOCKET": "127.0.0.1:0"},
        garbage=(packet(0x10, b"\0"), packet(0x11, bytes(2)), packet(0x01, bytes(16))),
    ),
    "genesys": Way(
        "genesys", genesys, {"GENESYS_API_KEY": "demo-api-key", "GENESYS_CLIENT_SECRET": GENESYS}
    ),
    "exotel, fixed address": Way("exotel", exotel_socket, {"PARLEY_EXOTEL_SECRET": SECRET}, shared=True),
    "exotel, address by webhook": Way("exotel", exotel, {"PARLEY_EXOTEL_SECRET": SECRET}),
    "freeswitch, fixed address": Way(
        "freeswitch",
        freeswitch_socket,
        {"PARLEY_FREESWITCH_SECRET": SECRET},
        keys=False,
        shared=True,
        garbage=(LONG,),
    ),
    "freeswitch, address by webhook": Way(
        "freeswitch", freeswitch, {"PARLEY_FREESWITCH_SECRET": SECRET}, keys=False, garbage=(LONG,)
    ),
    "acs": Way(
        "acs",
        acs,
        {"PARLEY_ACS_SECRET": SECRET},
        (
            ("inbound_received", "ringing"),
            ("call_status", "in_progress"),
            ("call_completed", "completed"),
        ),
        beside=AcsPeer.open,
    ),
    "jambonz": Way(
        "jambonz",
        jambonz,
        {"JAMBONZ_WEBHOOK_SECRET": SECRET},
        (
            ("inbound_received", "ringing"),
            ("call_status", "in_progress"),
            ("call_completed", "completed"),
        ),
    ),
}
