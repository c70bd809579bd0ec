"""Keys that a carrier publishes: fetched when they are needed, seldom, and never from elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.surfaces.telephony.commands.client import Unreached
from api.surfaces.telephony.proofs.published_keys import APART_S, APART_WITHOUT_S, FRESH_S, PublishedKeys

pytestmark = pytest.mark.unit

DOCUMENT = "https://issuer.example/.well-known/openid"
KEYS = "https://issuer.example/keys"


def bearer(kid: str) -> str:
    key = OctKey.import_key("0123456789abcdef0123456789abcdef")
    return f"Bearer {jwt.encode({'alg': 'HS256', 'kid': kid}, {}, key)}"


@dataclass
class Web:
    kids: list[str] = field(default_factory=lambda: ["k1"])
    where: object = KEYS
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def read(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.down:
            raise Unreached("down", sent=True)
        if url == DOCUMENT:
            return {"jwks_uri": self.where}
        return {"keys": [{"kid": kid, "kty": "RSA"} for kid in self.kids]}


def kids(keys: Any) -> list[str]:
    return [key["kid"] for key in keys["keys"]]


async def test_they_are_fetched_once_for_all_who_ask_at_once() -> None:
    web = Web()
    published = PublishedKeys(DOCUMENT, web.read)
    found = await asyncio.gather(*(published.for_token(bearer("k1"), 100.0) for _ in range(20)))
    assert [kids(one) for one in found] == [["k1"]] * 20
    assert web.asked == [DOCUMENT, KEYS]


async def test_a_new_key_is_found_and_names_that_nobody_has_cost_nothing_more() -> None:
    web = Web()
    published = PublishedKeys(DOCUMENT, web.read)
    await published.for_token(bearer("k1"), 100.0)
    web.kids = ["k1", "k2"]
    assert kids(await published.for_token(bearer("k2"), 100.0 + APART_S - 1)) == ["k1"]
    assert kids(await published.for_token(bearer("k2"), 100.0 + APART_S)) == ["k1", "k2"]
    asked = len(web.asked)
    for number in range(1000):
        await published.for_token(bearer(f"x{number}"), 100.0 + APART_S + 1)
    assert len(web.asked) == asked


async def test_old_keys_are_fetched_again_and_kept_when_that_fails() -> None:
    web = Web()
    published = PublishedKeys(DOCUMENT, web.read)
    await published.for_token(bearer("k1"), 100.0)
    web.down = True
    later = 100.0 + FRESH_S
    assert kids(await published.for_token(bearer("k1"), later)) == ["k1"]
    assert len(web.asked) == 3
    web.down, web.kids = False, ["k3"]
    assert kids(await published.for_token(bearer("k1"), later + APART_S)) == ["k3"]


async def test_without_any_it_is_tried_again_soon() -> None:
    web = Web(down=True)
    published = PublishedKeys(DOCUMENT, web.read)
    assert kids(await published.for_token(bearer("k1"), 100.0)) == []
    web.down = False
    assert kids(await published.for_token(bearer("k1"), 100.0 + APART_WITHOUT_S)) == ["k1"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic eDp5", "Bearer ", "Bearer !", "Bearer e30", "Bearer W10.e30.x", f"Bearer {'A' * 5000}"],
)
async def test_what_is_no_token_fetches_nothing(authorization: str) -> None:
    web = Web()
    await PublishedKeys(DOCUMENT, web.read).for_token(authorization, 100.0)
    assert web.asked == []


@pytest.mark.parametrize("where", ["http://issuer.example/keys", "file:///etc/passwd", 7, None])
async def test_keys_come_over_tls(where: object) -> None:
    web = Web(where=where)
    assert kids(await PublishedKeys(DOCUMENT, web.read).for_token(bearer("k1"), 100.0)) == []
    assert web.asked == [DOCUMENT]
