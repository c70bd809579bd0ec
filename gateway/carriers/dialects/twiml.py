"""TwiML, and what SignalWire (cXML) and Telnyx (TeXML) have in common with it (reference/telephony.md, section 1.1).

Every document is complete: nothing in it is asked for later but `action` and `redirect`. `<Connect>` holds the call for
as long as its socket is open, then asks `action`; that is where a stream that dropped is attached again.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.carriers.dialects.xml import document, element, text

__all__ = [
    "TOKEN",
    "connect",
    "hang_up",
    "redirect",
    "refuse",
    "say",
    "socket_url",
    "stream_parameters",
    "transfer",
]

TOKEN, CALLER, CALLED = "token", "caller", "called"
PARAMETER_AT_MOST = 500
"""Characters of one parameter, name and value."""


def socket_url(url: str) -> str:
    """`url`, checked. Raises ValueError for one that is no WebSocket's or has a query, which these carriers drop."""
    parts = urlsplit(url)
    if parts.scheme not in ("wss", "ws") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("a stream's URL begins with wss: and has no query")
    return url


def stream_parameters(
    token: str, caller: str, called: str, others: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What the stream tells us at its start. Raises ValueError without a token, or for one that is too long."""
    if not token:
        raise ValueError("a stream without its one-time token")
    given = {TOKEN: token, CALLER: caller, CALLED: called} | dict(others or {})
    if any(len(name) + len(value) > PARAMETER_AT_MOST for name, value in given.items()):
        raise ValueError(f"a parameter of more than {PARAMETER_AT_MOST} characters")
    return {name: value for name, value in given.items() if value}


def connect(
    stream: Mapping[str, str | None], parameters: Mapping[str, str], *, action: str | None = None
) -> str:
    """The call to our socket, both ways."""
    carried = [element("Parameter", {"name": name, "value": value}) for name, value in parameters.items()]
    return document(element("Connect", {"action": action}, element("Stream", stream, *carried)))


def refuse(*, busy: bool = True) -> str:
    """The call is not taken, and costs nothing: busy, or rejected. Only as the first answer."""
    return document(element("Reject", {"reason": "busy" if busy else "rejected"}))


def say(sentence: str, *, voice: str | None = None, language: str | None = None) -> str:
    """One sentence in the carrier's voice, then the call ends."""
    return document(
        element("Say", {"voice": voice, "language": language}, text(sentence)), element("Hangup")
    )


def redirect(url: str) -> str:
    """The call goes on with what `url` answers."""
    return document(element("Redirect", None, text(url)))


def transfer(
    to: str, *, caller_id: str | None = None, action: str | None = None, timeout_s: int | None = None
) -> str:
    """The caller to `to`: a number, a `sip:` address or a `client:` name. `action` is asked when that ends or fails."""
    if to.startswith(("sip:", "sips:")):
        whom = element("Sip", None, text(to))
    elif to.startswith("client:"):
        whom = element("Client", None, text(to.removeprefix("client:")))
    else:
        whom = element("Number", None, text(to))
    timeout = None if timeout_s is None else str(timeout_s)
    return document(element("Dial", {"callerId": caller_id, "action": action, "timeout": timeout}, whom))


def hang_up() -> str:
    """The call ends."""
    return document(element("Hangup"))
