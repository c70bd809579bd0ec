"""What makes a webhook good once: what is signed of it, however a replay writes the rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import OctKey

from api.surfaces.telephony.counter import DESKS
from api.surfaces.telephony.desk import Asked, Unreadable
from gateway.carriers.dialects import plivo_signature
from gateway.config import from_env

pytestmark = pytest.mark.unit

NOW = 1_767_323_045
SECRET = "0123456789abcdef0123456789abcdef"
KEY = Ed25519PrivateKey.from_private_bytes(SECRET.encode())
SETTINGS = from_env(
    {
        "TELNYX_PUBLIC_KEY": base64.b64encode(
            KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        ).decode(),
        "JAMBONZ_WEBHOOK_SECRET": SECRET,
        "VONAGE_SIGNATURE_SECRET": SECRET,
        "PLIVO_AUTH_TOKEN": SECRET,
    }
)
FORM = b"CallSid=CA1&CallUUID=CA1&From=%2B15550100001"
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".decode()


def asked(carrier: str, body: bytes, headers: Mapping[str, str]) -> Asked:
    return Asked("POST", f"https://voice.example.test/telephony/{carrier}/voice", headers, body, NOW)


def telnyx(body: bytes = FORM, at: int = NOW) -> Asked:
    signature = base64.b64encode(KEY.sign(f"{at}|".encode() + body)).decode()
    headers = {"telnyx-timestamp": str(at), "telnyx-signature-ed25519": signature}
    return asked("telnyx", body, headers)


def jambonz(body: bytes = b'{"call_sid":"CA1"}', at: int = NOW) -> Asked:
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return asked("jambonz", body, {"Jambonz-Signature": f"t={at},v1={mac}"})


def vonage(body: bytes = b'{"uuid":"CA1"}', at: int = NOW) -> Asked:
    said = {
        "iss": "Vonage", "iat": at, "jti": str(at), "payload_hash": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip
    token = jwt.encode({"alg": "HS256"}, said, OctKey.import_key(SECRET))
    return asked("vonage", body, {"Authorization": f"Bearer {token}"})


def plivo(body: bytes = FORM, at: int = NOW) -> Asked:
    bare = asked("plivo", body, {})
    fields = dict(one.split("=") for one in body.decode().replace("%2B", "+").split("&"))
    signature = plivo_signature.signature(
        SECRET, str(at), method="POST", url=bare.url, fields={name: [one] for name, one in fields.items()}
    )
    headers = {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": str(at)}
    return replace(bare, headers=headers)


def other_bits(text: str) -> str:
    """The same bytes in base64, but for the bits of the last letter that mean nothing."""
    bare = text.rstrip("=")
    unused = {2: 4, 3: 2}[len(bare) % 4]
    last = ALPHABET.index(bare[-1]) ^ ((1 << unused) - 1)
    return bare[:-1] + ALPHABET[last] + text[len(bare) :]


def with_header(name: str, change: Callable[[str], str]) -> Callable[[Asked], Asked]:
    return lambda one: replace(one, headers={**one.headers, name: change(one.headers[name])})


def moved(one: Asked) -> Asked:
    headers = dict(one.headers)
    headers["X-Plivo-Signature-Ma-V3"] = headers.pop("X-Plivo-Signature-V3")
    return replace(one, headers=headers)


@dataclass(frozen=True, slots=True)
class Rewritten:
    make: Callable[..., Asked]
    again: Callable[[Asked], Asked]


REWRITTEN = {
    "telnyx-bits": Rewritten(telnyx, with_header("telnyx-signature-ed25519", other_bits)),
    "jambonz-more": Rewritten(jambonz, with_header("Jambonz-Signature", lambda text: f"{text},v0=00")),
    "jambonz-blanks": Rewritten(
        jambonz, with_header("Jambonz-Signature", lambda text: text.replace(",", ", "))
    ),
    "jambonz-capitals": Rewritten(
        jambonz,
        with_header("Jambonz-Signature", lambda text: text.upper().replace("T=", "t=").replace("V1", "v1")),
    ),
    "vonage-blanks": Rewritten(vonage, with_header("Authorization", lambda text: text.replace(" ", "  "))),
    "vonage-scheme": Rewritten(vonage, with_header("Authorization", lambda text: f"bearer{text[6:]}")),
    "plivo-more": Rewritten(plivo, with_header("X-Plivo-Signature-V3", lambda text: f"{text},none")),
    "plivo-header": Rewritten(plivo, moved),
    "plivo-url": Rewritten(plivo, lambda one: replace(one, url=f"{one.url}?")),
    "plivo-order": Rewritten(
        plivo, lambda one: replace(one, body=b"&".join(reversed(one.body.split(b"&"))))
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_replay_that_is_written_otherwise_is_a_replay(name: str) -> None:
    case, desk = REWRITTEN[name], DESKS[name.partition("-")[0]]
    first = case.make()
    again = case.again(first)
    assert again != first
    desk.verify(first, SETTINGS)
    desk.verify(again, SETTINGS)
    assert desk.proof(first) == desk.proof(again) != ""


@pytest.mark.parametrize("make", [telnyx, jambonz, vonage, plivo])
def test_webhooks_of_their_own_have_proofs_of_their_own(make: Callable[..., Asked]) -> None:
    first, later = make(), make(at=NOW + 1)
    desk = DESKS[first.url.split("/")[4]]
    assert desk.proof(first) != desk.proof(later)


def test_what_a_get_drags_along_is_not_read_for_it_is_not_signed() -> None:
    headers = jambonz(b"").headers
    forged = Asked(
        "GET", "https://voice.example.test/telephony/jambonz/voice", headers,
        json.dumps({"call_sid": "CA2", "from": "+15550100009"}).encode(), NOW,
    )  # fmt: skip
    DESKS["jambonz"].verify(forged, SETTINGS)
    with pytest.raises(Unreadable):
        DESKS["jambonz"].incoming(forged)
