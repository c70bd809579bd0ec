"""What is good once: tokens, from a call's webhook to its media socket, and carriers' proofs. Of this process only."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from gateway.crew import crew
from gateway.wire import Unverified

__all__ = ["LIFETIME_S", "Seen", "Ticket", "Tickets"]

LIFETIME_S = 60.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a socket with the token is for."""

    carrier: str
    call: str
    """The carrier's own name of it; empty for a carrier played on this machine."""
    session_id: str
    tenant: str
    persona_id: str
    again: bool = False
    """The call is live, and this socket takes the place of one that was lost."""
    outbound: bool = False
    """We placed the call."""


class Tickets:
    """Every token works once, within a minute or as long as it may ring.
    Of more than `BOUND` the oldest is forgotten: its call is refused."""

    BOUND = 10_000

    def __init__(self) -> None:
        self._tickets: OrderedDict[str, tuple[float, Ticket]] = OrderedDict()

    def issue(self, ticket: Ticket, now: float, lasting_s: float = LIFETIME_S) -> str:
        """A token: 32 hexadecimal digits, since there are carriers that carry nothing but letters and digits, and one
        that carries a UUID."""
        while self._tickets and (
            next(iter(self._tickets.values()))[0] <= now or len(self._tickets) >= self.BOUND
        ):
            self._tickets.popitem(last=False)
        token = crew().mark(secrets.token_hex(16))
        self._tickets[token] = (now + lasting_s, ticket)
        return token

    def check(self, token: str, carrier: str, now: float) -> None:
        """Without using it up. Raises Unverified for what `redeem` would not take."""
        if self._good(token, carrier, now) is None:
            raise Unverified("without a token of ours that is still good")

    def _good(self, token: str, carrier: str, now: float) -> Ticket | None:
        expires, ticket = self._tickets.get(token, (0.0, None))
        return ticket if ticket is not None and ticket.carrier == carrier and now < expires else None

    def redeem(self, token: str, carrier: str, now: float) -> Ticket | None:
        """Use it up. None for a token of another carrier, one that is too old, used already, or none of ours."""
        ticket = self._good(token, carrier, now)
        if ticket is not None:
            del self._tickets[token]
        return ticket


class Seen:
    """Proofs that were used: each is good once. Of more than `BOUND` the oldest is forgotten, long after its time as a
    rule: carriers' proofs are too old after five minutes."""

    BOUND = 50_000
    LASTING_S = 600.0

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def first(self, proof: str, now: float) -> bool:
        """Whether it was not here before; from now on it was."""
        while self._seen and (next(iter(self._seen.values())) <= now or len(self._seen) >= self.BOUND):
            self._seen.popitem(last=False)
        key = hashlib.sha256(proof.encode("utf-8", "surrogateescape")).digest()
        if key in self._seen:
            return False
        self._seen[key] = now + self.LASTING_S
        return True

    def forget(self, proof: str) -> None:
        """It may come once more."""
        self._seen.pop(hashlib.sha256(proof.encode("utf-8", "surrogateescape")).digest(), None)
