"""Carriers' notices as channel events of a session."""

from __future__ import annotations

from api.records.channel import ChannelEvent
from api.surfaces.telephony.desk import Notice

__all__ = ["dialled", "event_of", "received"]

LABELS = {
    "initiated": "The call was placed",
    "queued": "The call waits to be placed",
    "ringing": "Ringing",
    "answered": "Answered",
    "in_progress": "Connected",
    "completed": "The call ended",
    "busy": "The line was busy",
    "no_answer": "Nobody answered",
    "canceled": "The call was given up",
    "failed": "The carrier reported a failure",
}


def received(carrier: str, at: float) -> ChannelEvent:
    """A call came in."""
    return ChannelEvent(
        "received", "inbound_received", "ringing", _provider(carrier), at, "A call came in", position=0
    )


def dialled(carrier: str, at: float) -> ChannelEvent:
    """We placed a call; the carrier's own word of it is the same event."""
    return ChannelEvent(
        "initiated",
        "outbound_initiated",
        "initiated",
        _provider(carrier),
        at,
        LABELS["initiated"],
        position=0,
    )


def event_of(carrier: str, notice: Notice) -> ChannelEvent:
    return ChannelEvent(
        key=notice.key,
        kind=notice.kind,
        status=notice.status,
        provider=_provider(carrier),
        at=notice.at,
        label=LABELS.get(notice.status, notice.status.replace("_", " ").capitalize()),
        raw_status=notice.raw,
        position=notice.position,
        meta=notice.meta,
    )


def _provider(carrier: str) -> str:
    """As the contract names one: `twilio_voice`."""
    return f"{carrier}_voice"
