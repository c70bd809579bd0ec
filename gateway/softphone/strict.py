"""Reading what a server sends, as strictly as the carriers' documents describe it."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from gateway.softphone.line import Answer
from gateway.softphone.orders import Broken
from gateway.wire import Codec, Encoding, Message

__all__ = ["audio_of", "json_object", "only", "socket_address", "text", "xml_response"]

LONGEST_DOCUMENT = 64 * 1024


def json_object(message: Message, where: str) -> dict[str, Any]:
    """A text message that holds one JSON object. Raises Broken."""
    if isinstance(message, bytes):
        raise Broken("a binary message where only text is taken", where)
    try:
        value = json.loads(message)
    except ValueError:
        raise Broken("a message that is no JSON", where) from None
    if not isinstance(value, dict):
        raise Broken("a message that is no JSON object", where)
    return value


def only(
    value: object, needed: Mapping[str, type], where: str, optional: Mapping[str, type] | None = None
) -> Any:
    """`value` is an object with these fields, of these types, and no others. Raises Broken."""
    if not isinstance(value, dict):
        raise Broken(f"an object with {', '.join(needed)} was expected", where)
    allowed = {**needed, **(optional or {})}
    for name in value:
        if name not in allowed:
            raise Broken(f"an unknown field {name!r}", where)
    for name, kind in allowed.items():
        if name not in value:
            if name in needed:
                raise Broken(f"the field {name!r} is missing", where)
        elif not isinstance(value[name], kind) or (kind is int and isinstance(value[name], bool)):
            raise Broken(f"{name!r} is no {kind.__name__}", where)
    return value


def text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def audio_of(encoded: str, where: str, encoding: Encoding) -> bytes:
    """Base64 of raw audio, by the letter. Raises Broken."""
    try:
        audio = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        raise Broken("a payload that is no base64", where) from None
    if audio[:4] == b"RIFF":
        raise Broken("a payload with the header of a file: it plays as a click", where)
    if encoding.codec is Codec.L16 and len(audio) % 2:
        raise Broken("half a sample", where)
    return audio


def socket_address(url: str, where: str) -> str:
    """The URL of a media socket. Raises Broken for one the carrier would not open."""
    parts = urlsplit(url)
    local = parts.scheme == "ws" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.netloc or not (parts.scheme == "wss" or local):
        raise Broken(f"a stream's URL begins with wss:, not {parts.scheme}:", where, fatal=True)
    if parts.query:
        raise Broken("a stream's URL has a query, which the carrier drops", where)
    return url


def xml_response(answer: Answer, where: str) -> ElementTree.Element:
    """The `<Response>` of a document. Raises Broken."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind not in ("text/xml", "application/xml", "text/html"):
        raise Broken(f"a document of type {kind or 'nothing'}, not text/xml", where, fatal=True)
    if len(answer.body) > LONGEST_DOCUMENT:
        raise Broken("a document of more than 64 KB", where, fatal=True)
    if "<!DOCTYPE" in answer.body or "<!ENTITY" in answer.body:
        raise Broken("a document type declaration", where, fatal=True)
    try:
        root = ElementTree.fromstring(answer.body)
    except ElementTree.ParseError as error:
        raise Broken(f"a document that is no XML: {error}", where, fatal=True) from None
    if root.tag != "Response":
        raise Broken(f"the document begins with <{root.tag}>, not <Response>", where, fatal=True)
    return root
