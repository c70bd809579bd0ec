"""Documents of Twilio, and of SignalWire and Telnyx after it, as the carrier reads them (reference: Twilio's TwiML)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from gateway.softphone.line import Answer
from gateway.softphone.orders import (
    Broken,
    Connect,
    Dial,
    HangUp,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
)
from gateway.softphone.strict import socket_address, xml_response
from gateway.wire import Encoding

__all__ = ["known", "read"]

PARAMETER_AT_MOST = 500

Attributes = Callable[[Element], tuple[Encoding, Encoding, str | None]]
"""What a `<Stream>` asks for: the encoding it plays and the one the caller comes in, and the bearer of its handshake.
Raises Broken for attributes that the carrier does not know."""


def read(answer: Answer, base: str, attributes: Attributes) -> Sequence[Verb]:
    """The verbs in order; none at all for an empty answer. `base`: the URL that was asked. Raises Broken."""
    if not answer.body.strip():
        return []
    verbs: list[Verb] = []
    for place, element in enumerate(xml_response(answer, "12100 document parse failure")):
        verbs.append(_verb(element, base, attributes, first=place == 0))
    return verbs


def _verb(element: Element, base: str, attributes: Attributes, *, first: bool) -> Verb:
    match element.tag:
        case "Connect":
            return _connect(element, base, attributes)
        case "Say" | "Play":
            return Say((element.text or "").strip())
        case "Pause":
            return Pause(_seconds(element.get("length", "1")))
        case "Redirect":
            return Redirect(urljoin(base, (element.text or "").strip()))
        case "Dial":
            return _dial(element, base)
        case "Enqueue" | "Refer":
            return Dial(
                f"{element.tag.lower()} {(element.text or '').strip()}".strip(), element.get("action")
            )
        case "Reject":
            if not first:
                raise Broken("<Reject> is only taken as the first verb", "TwiML <Reject>")
            return Reject(element.get("reason", "rejected"))
        case "Hangup":
            return HangUp()
        case _:
            raise Broken(f"a verb that is not known: <{element.tag}>", "12200 schema validation warning")


def _connect(element: Element, base: str, attributes: Attributes) -> Connect:
    stream = element.find("Stream")
    if stream is None or len(element) != 1:
        raise Broken("<Connect> without one <Stream>", "12200 schema validation warning", fatal=True)
    plays, says, bearer = attributes(stream)
    parameters: dict[str, str] = {}
    for one in stream:
        name, value = one.get("name"), one.get("value")
        if one.tag != "Parameter" or name is None or value is None:
            raise Broken("<Stream> holds <Parameter name= value=> only", "12200 schema validation warning")
        if len(name) + len(value) > PARAMETER_AT_MOST:
            raise Broken(f"<Parameter> {name!r} of more than {PARAMETER_AT_MOST} characters", "<Parameter>")
        parameters[name] = value
    action = element.get("action")
    return Connect(
        socket_address(stream.get("url", ""), "<Stream url>"),
        parameters,
        urljoin(base, action) if action else None,
        stream.get("statusCallback"),
        plays,
        says,
        bearer,
    )


def _dial(element: Element, base: str) -> Dial:
    whom = [(one.text or "").strip() for one in element] or [(element.text or "").strip()]
    action = element.get("action")
    return Dial(", ".join(whom), urljoin(base, action) if action else None)


def known(stream: Element, attributes: frozenset[str]) -> None:
    """Raises Broken for another attribute than these, or for another track than the caller's."""
    if unknown := set(stream.attrib) - attributes:
        raise Broken(
            f"<Stream> has no attribute {', '.join(sorted(unknown))}", "12200 schema validation warning"
        )
    if stream.get("track", "inbound_track") != "inbound_track":
        raise Broken("<Connect><Stream> has the caller's track only", "<Stream track>")


def _seconds(told: str) -> float:
    if not told.isdigit():
        raise Broken("<Pause length> is no number of seconds", "TwiML <Pause>")
    return float(told)
