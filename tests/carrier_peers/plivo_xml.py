"""Plivo's XML, read strictly (reference 4.1; plivo.xml of the vendor's package 4.63)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

from tests.carrier_peers.codecs import L16_8K, L16_16K, MULAW, Codec
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Answered
from tests.carrier_peers.words import words

__all__ = ["Element", "StreamOrder", "answered_xml", "document", "stream_order"]

RULE = "telephony 4.1"
CODE = "xml"
ATTRIBUTES = {
    "Stream": words(
        """bidirectional audioTrack streamTimeout statusCallbackUrl statusCallbackMethod contentType extraHeaders
        keepCallAlive noiseCancellation noiseCancellationLevel"""
    ),
    "Speak": words("voice language loop"),
    "Play": words("loop"),
    "Wait": words("length silence minSilence beep"),
    "Hangup": words("reason schedule"),
    "Redirect": words("method"),
    "DTMF": words("async"),
    "Dial": words(
        """action method hangupOnStar timeLimit timeout callerId callerName confirmSound confirmKey dialMusic
        callbackUrl callbackMethod redirect digitsMatch digitsMatchBLeg sipHeaders"""
    ),
    "Number": words("sendDigits sendOnPreanswer sendDigitsMode"),
    "User": words("sendDigits sendOnPreanswer sipHeaders"),
    "Conference": words(
        """sendDigits muted enterSound exitSound startConferenceOnEnter endConferenceOnExit stayAlone waitSound
        maxMembers record recordFileFormat timeLimit hangupOnStar action method callbackUrl callbackMethod
        digitsMatch floorEvent redirect relayDTMF transcriptionType transcriptionUrl transcriptionMethod"""
    ),
}
CHILDREN = {
    "Response": frozenset(ATTRIBUTES) - {"Number", "User"},
    "Dial": frozenset({"Number", "User"}),
}
CONTENT_TYPES: dict[str, Codec] = {
    "audio/x-l16;rate=8000": L16_8K,
    "audio/x-l16;rate=16000": L16_16K,
    "audio/x-mulaw;rate=8000": MULAW,
}
LONGEST_HEADERS = 512


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a document."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """A stream that the application wants."""

    url: str
    codec: Codec
    bidirectional: bool
    blocks: bool
    """`keepCallAlive`."""
    parameters: Mapping[str, str]
    status_callback: str | None


def answered_xml(answered: Answered) -> tuple[Element, ...]:
    """The elements of a webhook's answer. Raises Broken."""
    if answered.type not in ("text/xml", "application/xml"):
        raise Broken(CODE, f"content type {answered.type!r}", RULE)
    return document(answered.body)


def document(xml: bytes) -> tuple[Element, ...]:
    """The elements of a document. Raises Broken."""
    if b"<!DOCTYPE" in xml:
        raise Broken(CODE, "a document type", RULE)
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise Broken(CODE, f"not XML: {error}", RULE) from None
    if root.tag != "Response" or root.attrib:
        raise Broken(CODE, f"the root is <{root.tag}>, not <Response>", RULE)
    return _read(root).children


def _read(element: ElementTree.Element) -> Element:
    allowed = CHILDREN.get(element.tag, frozenset())
    for child in element:
        if child.tag not in allowed:
            raise Broken(CODE, f"<{child.tag}> is not allowed in <{element.tag}>", RULE)
    if unknown := element.attrib.keys() - ATTRIBUTES.get(element.tag, frozenset()):
        raise Broken(CODE, f"<{element.tag}> has no attribute {', '.join(sorted(unknown))}", RULE)
    children = tuple(_read(child) for child in element)
    return Element(element.tag, dict(element.attrib), (element.text or "").strip(), children)


def stream_order(element: Element) -> StreamOrder:
    """What a `<Stream>` asks for. Raises Broken."""
    given, url = element.attributes, element.text
    if urlsplit(url).scheme != "wss":
        raise Broken(CODE, f"not a wss URL: {url!r}", RULE)
    flags = {}
    for name in ("bidirectional", "keepCallAlive"):
        if (value := given.get(name, "false")) not in ("true", "false"):
            raise Broken(CODE, f"{name} {value!r}", RULE)
        flags[name] = value == "true"
    kind = given.get("contentType", "audio/x-l16;rate=8000")
    if kind not in CONTENT_TYPES:
        raise Broken(CODE, f"contentType {kind!r}", RULE)
    track = given.get("audioTrack", "inbound")
    if track not in ("inbound", "outbound", "both") or (flags["bidirectional"] and track != "inbound"):
        raise Broken(CODE, f"audioTrack {track!r}", RULE)
    parameters = _headers(given.get("extraHeaders", ""))
    return StreamOrder(
        url,
        CONTENT_TYPES[kind],
        flags["bidirectional"],
        flags["keepCallAlive"],
        parameters,
        given.get("statusCallbackUrl"),
    )


def _headers(text: str) -> dict[str, str]:
    if len(text) > LONGEST_HEADERS:
        raise Broken(CODE, "extraHeaders of more than 512 bytes", RULE)
    parameters = {}
    for pair in text.split(",") if text else ():
        name, equals, value = pair.partition("=")
        if not (equals and name.isalnum() and value.isalnum() and pair.isascii()):
            raise Broken(CODE, f"extraHeaders take letters and digits only: {pair!r}", RULE)
        parameters[name] = value
    return parameters
