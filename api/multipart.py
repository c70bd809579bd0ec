"""`multipart/form-data` (RFC 7578, RFC 2046 section 5.1) of a body that is already read and bounded. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

__all__ = ["MOST_PARTS", "MultipartFault", "Part", "parts_of"]

MOST_PARTS = 16
_LONGEST_HEAD = 4096
_LONGEST_BOUNDARY = 70


class MultipartFault(ValueError):
    """Not what the RFCs describe; the text says what, for the client."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of the form."""

    name: str
    content_type: str
    """Lower case, without parameters; `text/plain` when nothing is said."""
    content: bytes


def parts_of(body: bytes, content_type: str) -> dict[str, Part]:
    """The fields by name. Raises MultipartFault: no boundary, not ended, no name, a name twice, more than
    `MOST_PARTS`."""
    fields: dict[str, Part] = {}
    for raw in _between_boundaries(body, _boundary(content_type)):
        part = _part(raw)
        if part.name in fields:
            raise MultipartFault(f"The field '{part.name}' is there twice.")
        fields[part.name] = part
    return fields


def _boundary(content_type: str) -> bytes:
    head = Message()
    head["Content-Type"] = content_type[:_LONGEST_HEAD]
    boundary = head.get_param("boundary")
    if (
        not isinstance(boundary, str)
        or not 0 < len(boundary) <= _LONGEST_BOUNDARY
        or not boundary.isascii()
    ):
        raise MultipartFault("The content type names no boundary.")
    return boundary.encode()


def _between_boundaries(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between delimiters, each a line of its own: before the first and after the last nothing counts."""
    delimiter = b"\r\n--" + boundary
    rest = b"\r\n" + body
    _, found, rest = rest.partition(delimiter)
    for _ in range(MOST_PARTS + 1):
        if not found:
            raise MultipartFault("The last boundary is missing.")
        if rest.startswith(b"--"):
            return
        padding, line_end, rest = rest.partition(b"\r\n")
        if not line_end or padding.strip(b" \t"):
            raise MultipartFault("A boundary does not end its line.")
        # An empty part's delimiter begins with the line end that was just taken.
        raw, found, rest = (b"\r\n" + rest).partition(delimiter)
        yield raw[2:]
    raise MultipartFault(f"A form may have at most {MOST_PARTS} fields.")


def _part(raw: bytes) -> Part:
    head, found, content = raw.partition(b"\r\n\r\n")
    if not found or len(head) > _LONGEST_HEAD:
        raise MultipartFault("A part has no headers, or too many.")
    headers = Message()
    for line in head.split(b"\r\n"):
        field, colon, value = line.partition(b":")
        if colon:
            headers[field.decode("latin-1").strip()] = value.decode("utf-8", "replace").strip()
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise MultipartFault("A part has no name.")
    return Part(name, headers.get_content_type(), content)
