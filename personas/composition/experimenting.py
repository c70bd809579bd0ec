"""Which variant of an experiment a session gets: always the same one, wherever and whenever it is asked. Pure.

The assignment is a hash of the experiment's and the session's ids, so nothing has to be remembered or agreed upon
between nodes. It holds as long as the experiment's file does: variants and weights decide which hash means which.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from personas.experiment import Experiment, Variant

__all__ = ["Assignment", "assigned"]

_BITS = 53
"""What every reader of JSON takes as a whole number."""


@dataclass(frozen=True, slots=True)
class Assignment:
    experiment_id: str
    variant: Variant
    hash: int
    """0 to 2^53 - 1."""


def assigned(experiment: Experiment | None, session_id: str | None) -> Assignment | None:
    """None without an experiment that runs, or without a session."""
    if experiment is None or not experiment.active or not session_id:
        return None
    digest = hashlib.sha256(f"{experiment.id}\0{session_id}".encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest[:8], "big") >> (64 - _BITS)
    total = sum(variant.weight for variant in experiment.variants)
    # Its place among all hashes, as a place among all shares. Whole numbers only: every machine agrees.
    place = number * total >> _BITS
    for variant in experiment.variants:
        if place < variant.weight:
            return Assignment(experiment.id, variant, number)
        place -= variant.weight
    raise AssertionError("the weights of an experiment add up to more than none")
