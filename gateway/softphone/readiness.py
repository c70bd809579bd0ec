"""What answers at the public address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from gateway.checks.finding import Finding, Level, fault, ok

__all__ = ["reach"]

REACH_S = 5.0
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


async def reach(carrier: str, base: str, *, webhook: bool = True, streams: bool = True) -> list[Finding]:
    """What answers at the public address, asked from here: the webhook and the media socket, where the carrier has
    them. Sends no secret."""
    timeout = aiohttp.ClientTimeout(total=REACH_S)
    place = f"{base}/telephony/{carrier}"
    try:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as http:
            health = await _status(http, "GET", f"{base}/healthz")
            if health != 200:
                mend = "start the server, or look at the proxy in front of it"
                return [fault("server", f"{base}/healthz answers {health}", mend)]
            found = [ok("server", f"{base}/healthz answers")]
            if webhook:
                voice = await _status(http, "POST", f"{place}/voice")
                found.append(_webhook(f"{place}/voice", voice))
            if streams and found[-1].level is Level.OK:
                socket = await _status(http, "GET", f"{place}/stream/{'0' * 32}", UPGRADE)
                found.append(_socket(socket))
            return found
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        told = str(error) or type(error).__name__
        return [
            fault("server", f"{base} cannot be reached from here: {told}", "look at name, TLS and proxy")
        ]


async def _status(
    http: aiohttp.ClientSession, method: str, url: str, headers: Mapping[str, str] | None = None
) -> int:
    async with asyncio.timeout(REACH_S), http.request(method, url, headers=headers) as answer:
        return answer.status


def _webhook(url: str, status: int) -> Finding:
    match status:
        case 403:
            return ok("webhook", f"{url} refuses what is not signed")
        case 404:
            return fault("webhook", f"{url} answers 404", "set the carrier's secret at the running server")
        case 200 | 400:
            mend = "without proof anybody could call: unset PARLEY_TELEPHONY_OPEN"
            return fault("webhook", f"{url} takes what is not signed", mend)
        case _:
            return fault("webhook", f"{url} answers {status}", "look at the server's log and at the proxy")


def _socket(status: int) -> Finding:
    if status in (401, 403):
        return ok("media socket", "requests for a WebSocket come through, and need a proof")
    if status == 404:
        return fault("media socket", "it answers 404", "set the carrier's secret at the running server")
    mend = "have the proxy pass the headers Connection and Upgrade on"
    return fault("media socket", f"a request for a WebSocket is answered {status}", mend)
