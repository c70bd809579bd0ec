"""The words of the telephone channel: carriers' statuses in the contract's, and what kind of event each is."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["AZURE", "AZURE_STATUSES", "KINDS", "Kind", "canonical", "kind_of", "label_of", "provider_of"]

Kind = Literal["inbound_received", "outbound_initiated", "call_status", "call_completed", "provider_error"]
KINDS: frozenset[Kind] = frozenset(get_args(Kind))

TERMINAL = frozenset({"completed", "busy", "no_answer", "canceled"})
"""Statuses after which a call is over; `failed` is the carrier's error."""

SPELLINGS = {
    "inprogress": "in_progress",
    "cancelled": "canceled",
    "cancel": "canceled",
    "noanswer": "no_answer",
    "unanswered": "no_answer",
    "timeout": "no_answer",
    "rejected": "busy",
}

AZURE = "Microsoft.Communication."
"""What the names of Azure's events begin with (CloudEvents)."""

AZURE_STATUSES = {
    "CallConnected": "in_progress",
    "CallDisconnected": "completed",
    "CreateCallFailed": "failed",
    "AnswerFailed": "failed",
}
"""Events of Azure's call automation that tell of a call's course → statuses."""

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


def canonical(status: str) -> str:
    """A carrier's word in the contract's spelling: `in-progress` is `in_progress`."""
    plain = status.strip().lower().replace("-", "_").replace(" ", "_")
    return SPELLINGS.get(plain, plain)


def kind_of(status: str) -> Kind:
    """The kind of event that a status (`canonical`) is."""
    if status == "failed":
        return "provider_error"
    if status == "initiated":
        return "outbound_initiated"
    return "call_completed" if status in TERMINAL else "call_status"


def label_of(status: str) -> str:
    """A sentence for people."""
    return LABELS.get(status, status.replace("_", " ").capitalize())


def provider_of(carrier: str) -> str:
    """As the contract names one: `twilio_voice`."""
    return carrier if carrier.endswith("_voice") else f"{carrier}_voice"
