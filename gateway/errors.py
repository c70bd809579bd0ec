"""The error tree, and the one verdict every call ends with.

::

    GatewayError
    ├── ConfigError            we refuse to start: `main` prints every fault and exits 2
    ├── CallRejected           before a call exists: the route answers 4xx or 503
    │   ├── Busy               full or draining (503)
    │   └── SessionBusy        the session already has a live call (409)
    ├── LegError               the caller's side: `run_call` ends the call
    │   ├── LegProtocolError   they sent what the wire does not allow
    │   └── LegLost            the connection is gone
    ├── ModelError             the model's side
    │   ├── ModelUnavailable   try again, or another provider
    │   ├── ModelRefused       do not try again: bad key, unknown model
    │   │   └── LanguageNotSpoken  no model speaks the persona's language
    │   └── ModelLost          the session broke while a call was using it
    ├── ExchangeRefused        the carrier does not do what a live call asked of it; the call goes on
    ├── ToolError              turned into text for the model by `tools/run.py`
    └── StoreError             counted and logged once; the call goes on

Anything else that escapes is our bug: `run_call` ends with `INTERNAL_ERROR` and logs where it happened.
Nothing matches on message text; each class names its own ending.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ENDINGS",
    "Busy",
    "CallRejected",
    "ConfigError",
    "Ending",
    "ExchangeRefused",
    "GatewayError",
    "LanguageNotSpoken",
    "LegError",
    "LegLost",
    "LegProtocolError",
    "ModelError",
    "ModelLost",
    "ModelRefused",
    "ModelUnavailable",
    "SessionBusy",
    "Side",
    "StoreError",
]


class Side(StrEnum):
    """Whose act ended the call."""

    CALLER = "caller"
    AGENT = "agent"
    MODEL = "model"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call is over: the metric's labels, the log line's field and the API's words."""

    side: Side
    reason: str

    def __str__(self) -> str:
        return f"{self.side.value}/{self.reason}"


HUNG_UP = Ending(Side.CALLER, "hung-up")
LEFT = Ending(Side.CALLER, "left")
NEVER_CONNECTED = Ending(Side.CALLER, "never-connected")
CALLER_SILENT = Ending(Side.CALLER, "silent")
PROTOCOL = Ending(Side.CALLER, "protocol-error")
AGENT_HUNG_UP = Ending(Side.AGENT, "hung-up")
HANDED_OVER = Ending(Side.AGENT, "handed-over")
TRANSFERRED = Ending(Side.AGENT, "transferred")
LEFT_MESSAGE = Ending(Side.AGENT, "left-message")
MODEL_UNAVAILABLE = Ending(Side.MODEL, "unavailable")
MODEL_REFUSED = Ending(Side.MODEL, "refused")
MODEL_LOST = Ending(Side.MODEL, "lost")
LANGUAGE_NOT_SPOKEN = Ending(Side.MODEL, "language-not-spoken")
VOICEMAIL = Ending(Side.GATEWAY, "voicemail")
FAX = Ending(Side.GATEWAY, "fax")
TOO_LONG = Ending(Side.GATEWAY, "too-long")
OVER_BUDGET = Ending(Side.GATEWAY, "over-budget")
DRAINED = Ending(Side.GATEWAY, "drained")
CRASHED = Ending(Side.GATEWAY, "crashed")
SESSION_BUSY = Ending(Side.GATEWAY, "session-busy")
INTERNAL_ERROR = Ending(Side.GATEWAY, "internal-error")

ENDINGS: dict[Ending, str] = {
    HUNG_UP: "the caller hung up",
    LEFT: "the caller's connection went silent or broke",
    NEVER_CONNECTED: "the caller asked for a call and its media never arrived",
    CALLER_SILENT: "the caller said nothing for longer than the persona waits",
    PROTOCOL: "the caller's client sent what the protocol does not allow",
    AGENT_HUNG_UP: "the agent finished the conversation",
    HANDED_OVER: "the agent handed the caller over to a person",
    TRANSFERRED: "the caller was put through to somebody else; after a warm transfer also the end of what the two said",
    LEFT_MESSAGE: "a machine answered the call that we placed, and has the persona's message",
    MODEL_UNAVAILABLE: "no realtime model could be reached",
    MODEL_REFUSED: "the realtime model refused the session: a wrong key or an unknown model",
    MODEL_LOST: "the realtime model's session broke during the call",
    LANGUAGE_NOT_SPOKEN: "no model that is configured speaks the persona's language",
    VOICEMAIL: "a machine answered the call that we placed, and no message was left",
    FAX: "a fax machine answered the call that we placed",
    TOO_LONG: "the call reached the persona's longest length",
    OVER_BUDGET: "the call had cost as much as it may",
    DRAINED: "the server was shutting down and the drain deadline passed",
    CRASHED: "the process died during the call; a later start closed it",
    SESSION_BUSY: "the session had a live call on another node already",
    INTERNAL_ERROR: "a fault in Parley itself; the log says where",
}
"""Every ending there is, with the sentence that explains it (`docs/operate.md` repeats them; a test checks)."""


class GatewayError(Exception):
    """Root of everything Parley raises on purpose."""

    ending: Ending = INTERNAL_ERROR


class ConfigError(GatewayError):
    """The settings are wrong; `faults` lists every one, each with how to mend it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class CallRejected(GatewayError):
    """A call that was not begun."""


class Busy(CallRejected):
    """The server is full, or draining before it stops."""


class SessionBusy(CallRejected):
    """The session already has a live call: one at a time."""

    ending = SESSION_BUSY


class LegError(GatewayError):
    ending = LEFT


class LegProtocolError(LegError):
    ending = PROTOCOL


class LegLost(LegError):
    ending = LEFT


class ModelError(GatewayError):
    ending = MODEL_LOST


class ModelUnavailable(ModelError):
    ending = MODEL_UNAVAILABLE


class ModelRefused(ModelError):
    ending = MODEL_REFUSED


class LanguageNotSpoken(ModelRefused):
    """The text says why, for people."""

    ending = LANGUAGE_NOT_SPOKEN


class ModelLost(ModelError):
    ending = MODEL_LOST


class ExchangeRefused(GatewayError):
    """A carrier cannot or will not do what a live call asked of it. The text is a sentence for the model, without
    numbers."""


class StoreError(GatewayError):
    """The journal could not be written; `unwritten` rows are still held in memory."""
