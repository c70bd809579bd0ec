"""What the request that opens a socket tells, for carriers whose streams do not say it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from gateway.wire import Unverified

__all__ = ["query_of"]

FIELDS_AT_MOST = 40


def query_of(url: str) -> dict[str, str]:
    """The query of a URL by name; of a name given twice the first. Raises Unverified for one that cannot be read."""
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=FIELDS_AT_MOST)
    except ValueError:
        raise Unverified("a request that cannot be read") from None
    return dict(reversed(pairs))
