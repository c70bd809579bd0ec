"""TwiML, read as strictly as Twilio's debugger complains (reference 1.1; twilio.twiml of the vendor's package 9.13)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

from tests.carrier_peers.faults import Broken
from tests.carrier_peers.http import Answered

__all__ = ["StreamOrder", "Verb", "answered_twiml", "document", "stream_order"]

TYPES = ("text/xml", "application/xml", "text/html")
LONGEST_PARAMETER = 500
"""Characters of a parameter's name and value together."""

_DIAL = """action method timeout hangupOnStar timeLimit callerId record trim recordingStatusCallback
    recordingConfigurationId recordingStatusCallbackMethod recordingStatusCallbackEvent answerOnBridge ringTone
    recordingTrack sequential referUrl referMethod events"""
_NUMBER = """sendDigits url method statusCallbackEvent statusCallback statusCallbackMethod byoc machineDetection
    amdStatusCallbackMethod amdStatusCallback machineDetectionTimeout machineDetectionSpeechThreshold
    machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout"""
_CONFERENCE = """muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod maxParticipants record
    recordingConfigurationId region coach trim statusCallbackEvent statusCallback statusCallbackMethod
    recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent eventCallbackUrl
    jitterBufferSize participantLabel"""
_STREAM = "name connectorName url track statusCallback statusCallbackMethod audioFormat sampleRate"

ATTRIBUTES: dict[str, frozenset[str]] = {
    verb: frozenset(names.split())
    for verb, names in {
        "Connect": "action method",
        "Start": "action method",
        "Stop": "",
        "Stream": _STREAM,
        "Parameter": "name value",
        "Say": "voice loop language",
        "Play": "loop digits",
        "Pause": "length",
        "Hangup": "",
        "Redirect": "method",
        "Reject": "reason",
        "Dial": _DIAL,
        "Number": _NUMBER,
        "Conference": _CONFERENCE,
        "Client": "url method statusCallbackEvent statusCallback statusCallbackMethod",
        "Sip": "username password url method statusCallbackEvent statusCallback statusCallbackMethod",
    }.items()
}
CHILDREN: dict[str, frozenset[str]] = {
    "Response": frozenset(
        ["Connect", "Start", "Stop", "Say", "Play", "Pause", "Hangup", "Redirect", "Reject", "Dial"]
    ),
    "Connect": frozenset({"Stream"}),
    "Start": frozenset({"Stream"}),
    "Stop": frozenset({"Stream"}),
    "Stream": frozenset({"Parameter"}),
    "Dial": frozenset({"Number", "Conference", "Client", "Sip"}),
}
WORDED = frozenset({"Say", "Play", "Redirect", "Dial", "Number", "Conference", "Client", "Sip"})
"""Elements that may hold text."""

TRACKS = {
    "Connect": ("inbound_track",),
    "Start": ("inbound_track", "outbound_track", "both_tracks"),
}


@dataclass(frozen=True, slots=True)
class Verb:
    """One element."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Verb, ...]

    def __iter__(self) -> Iterator[Verb]:
        """Its children."""
        return iter(self.children)


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """A stream that the application wants."""

    url: str
    parameters: Mapping[str, str]
    two_way: bool
    name: str
    status_callback: str | None
    action: str | None
    """Where Twilio asks what is next, once the socket is closed."""


def answered_twiml(answered: Answered) -> tuple[Verb, ...]:
    """The verbs of a webhook's answer. Raises Broken with Twilio's error number."""
    if answered.status >= 400:
        raise Broken("11200", f"HTTP {answered.status}", "telephony 1.1, error 11200")
    if answered.type not in TYPES:
        raise Broken("12300", f"content type {answered.type!r} is no TwiML", "telephony 1.1, error 12300")
    return document(answered.body)


def document(xml: bytes | str) -> tuple[Verb, ...]:
    """The verbs of a TwiML document. Raises Broken."""
    text = xml.encode() if isinstance(xml, str) else xml
    if b"<!DOCTYPE" in text:
        raise Broken("12100", "a document type in TwiML", "error 12100")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise Broken("12100", f"not XML: {error}", "error 12100") from None
    if root.tag != "Response":
        raise Broken("12200", f"the root is <{root.tag}>, not <Response>", "error 12200")
    return _read(root).children


def _read(element: ElementTree.Element) -> Verb:
    allowed, text = CHILDREN.get(element.tag, frozenset()), (element.text or "").strip()
    for child in element:
        if child.tag not in allowed:
            raise _schema(f"<{child.tag}> is not allowed in <{element.tag}>")
        if (child.tail or "").strip():
            raise _schema(f"text after <{child.tag}>")
    if unknown := element.attrib.keys() - ATTRIBUTES.get(element.tag, frozenset()):
        raise _schema(f"<{element.tag}> has no attribute {', '.join(sorted(unknown))}")
    if text and element.tag not in WORDED:
        raise _schema(f"<{element.tag}> has text in it")
    return Verb(element.tag, dict(element.attrib), text, tuple(_read(child) for child in element))


def stream_order(verb: Verb) -> StreamOrder:
    """What a `<Connect>` or `<Start>` asks for. Raises Broken."""
    streams = [child for child in verb if child.name == "Stream"]
    if len(streams) != 1:
        raise _schema(f"<{verb.name}> needs one <Stream>")
    stream, parameters = streams[0], {}
    url = stream.attributes.get("url", "")
    parts = urlsplit(url)
    if parts.scheme != "wss" or not parts.hostname:
        raise Broken("31922", f"not a wss URL: {url!r}", "telephony 1.1")
    if parts.query or parts.fragment:
        raise Broken("31922", "a query string in the stream's URL; use <Parameter>", "telephony 1.1")
    track = stream.attributes.get("track", "inbound_track")
    if track not in TRACKS[verb.name]:
        raise Broken("31941", f"track {track!r} with <{verb.name}>", "error 31941")
    for parameter in stream:
        name, value = (parameter.attributes.get(key, "") for key in ("name", "value"))
        if not name or name in parameters:
            raise _schema(f"a <Parameter> without a name of its own: {name!r}")
        if len(name) + len(value) >= LONGEST_PARAMETER:
            raise _schema(f"<Parameter> {name!r} is too long")
        parameters[name] = value
    return StreamOrder(
        url,
        parameters,
        verb.name == "Connect",
        stream.attributes.get("name", ""),
        _web(stream.attributes.get("statusCallback")),
        _web(verb.attributes.get("action")),
    )


def _web(url: str | None) -> str | None:
    if url is not None and not re.match(r"https?://[^/]", url) and not url.startswith("/"):
        raise _schema(f"not a URL: {url!r}")
    return url


def _schema(message: str) -> Broken:
    return Broken("12200", message, "telephony 1.1, error 12200")
