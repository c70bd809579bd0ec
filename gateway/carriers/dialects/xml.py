"""Documents of XML, as carriers want them for an answer. Written, never read."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["document", "element", "text"]

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2)."""
ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
ESCAPED = re.compile('[&<>"\t\n\r]')


def text(value: str) -> str:
    """`value` as content or as an attribute. Characters that XML cannot hold are left out."""
    return ESCAPED.sub(lambda found: ESCAPES[found[0]], FORBIDDEN.sub("", value))


def element(name: str, attributes: Mapping[str, str | None] | None = None, *children: str) -> str:
    """One element with its children, which are XML already. Attributes that are None are left out."""
    head = name + "".join(
        f' {key}="{text(value)}"' for key, value in (attributes or {}).items() if value is not None
    )
    return f"<{head}>{''.join(children)}</{name}>" if children else f"<{head}/>"


def document(*children: str) -> str:
    """A `<Response>`, which every carrier that takes XML calls it."""
    return '<?xml version="1.0" encoding="UTF-8"?>' + element("Response", None, *children)
