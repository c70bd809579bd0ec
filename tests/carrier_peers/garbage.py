"""What no carrier sends."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.carrier_peers.faults import Frame

__all__ = ["TEXTS", "wrong"]

TEXTS: tuple[Frame, ...] = ("", "{", "[]", "null", "1e999", '"start"', "{}", '{"\\ud800":1}', "[" * 200)
"""Neither JSON nor an object of any carrier's."""


def wrong(key: str, kinds: Iterable[str]) -> list[Frame]:
    """Messages with the key of a carrier's type, and nothing right behind it."""
    found: list[Frame] = [json.dumps({key: 7}), json.dumps({key: None}), json.dumps({key: "surprise"})]
    for kind in kinds:
        found += [
            json.dumps({key: kind}),
            json.dumps({key: kind, kind: None}),
            json.dumps({key: kind, kind: []}),
        ]
    return found
