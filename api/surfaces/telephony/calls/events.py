"""Carriers' notices as channel events of a session."""

from __future__ import annotations

from api.records.channel import ChannelEvent
from api.records.channel_words import label_of, provider_of
from api.surfaces.telephony.desk import Answerer, Notice

__all__ = ["dialled", "event_of", "given_up", "received", "transfer_told", "unreached"]


LABELS: dict[Answerer, str] = {
    "human": "A person answered",
    "machine": "A machine answered",
    "beep": "The machine's greeting is over",
    "fax": "A fax answered",
    "unknown": "It is not known who answered",
}
"""Of machine detection."""


def received(carrier: str, at: float) -> ChannelEvent:
    """A call came in."""
    provider = provider_of(carrier)
    return ChannelEvent(
        "received", "inbound_received", "ringing", provider, at, "A call came in", position=0
    )


def dialled(carrier: str, at: float) -> ChannelEvent:
    """We placed a call; the carrier's own word of it is the same event."""
    return ChannelEvent(
        "initiated",
        "outbound_initiated",
        "initiated",
        provider_of(carrier),
        at,
        label_of("initiated"),
        position=0,
    )


def given_up(carrier: str, at: float) -> ChannelEvent:
    """A call that we placed, and that nobody ever told of again."""
    return ChannelEvent(
        "given-up",
        "call_completed",
        "canceled",
        provider_of(carrier),
        at,
        "Nothing came of the call: it was hung up",
    )


TRANSFERS = {
    "transferring": "Somebody else is called for the caller",
    "transferred": "The caller was put through",
    "transfer_failed": "Nobody could be put through to",
}


def transfer_told(carrier: str, status: str, count: int, at: float) -> ChannelEvent:
    """What becomes of a transfer; `count` tells the events of a call apart."""
    return ChannelEvent(
        f"transfer:{count}:{status}", "call_status", status, provider_of(carrier), at, TRANSFERS[status]
    )


UNREACHED = {
    "busy": "The line was busy. Say so, and offer to take a message or to try again.",
    "no_answer": "Nobody picked up. Say so, and offer to take a message or to try again.",
}


def unreached(status: str) -> str:
    """Why a person was not reached, as the model of the caller's call is told."""
    return UNREACHED.get(status, "They could not be reached. Say so, and offer what else you can do.")


def event_of(carrier: str, notice: Notice) -> ChannelEvent:
    return ChannelEvent(
        key=notice.key,
        kind=notice.kind,
        status=notice.status,
        provider=provider_of(carrier),
        at=notice.at,
        label=LABELS[notice.machine] if notice.machine is not None else label_of(notice.status),
        raw_status=notice.raw,
        position=notice.position,
        meta=notice.meta,
    )
