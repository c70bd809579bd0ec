"""What a client asks of its session before the session begins: checked, judged by the persona's policy, shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.deps import Deps
from api.errors import ApiError
from gateway.call.desk import CLIENT_FORMATS, FORMATS
from gateway.call.policy import TRANSCRIPTION, kept_in_language, may_change
from gateway.call.sessions import visible_session
from gateway.realtime.events import SessionUpdate, parse_client_event
from gateway.realtime.fault import ProtocolFault
from gateway.realtime.session import Merged, merge_session, part_of
from personas.persona import Persona

__all__ = ["Configured", "configured", "refusal"]

VOICE = "audio.output.voice"


@dataclass(frozen=True, slots=True)
class Configured:
    """A session before it begins."""

    effective: dict[str, Any]
    """The complete session object."""
    changed: tuple[str, ...]
    """The dotted leaves that differ from the persona's."""

    def update(self, *, plays: bool) -> dict[str, Any] | None:
        """What differs, as the `session` of a `session.update`; None when nothing does. With `plays` (over WebRTC)
        without the audio formats: there the audio travels as RTP whatever they say."""
        leaves = [leaf for leaf in self.changed if not (plays and leaf in FORMATS)]
        return part_of(self.effective, leaves) if leaves else None


def configured(deps: Deps, persona: Persona, session_id: str, *asked: object) -> Configured:
    """The persona's session after each of `asked`, the `session` objects of the client, in order. What the persona's
    policy does not let a client change keeps its value. Raises ApiError 400 in the words of the protocol."""
    tools = tuple(deps.tools[name] for name in persona.tools if name in deps.tools)
    session = visible_session(persona, session_id, deps.model, tools)
    changed: dict[str, None] = {}
    for wanted in asked:
        try:
            merged = _merged(session, _checked(wanted), persona)
        except ProtocolFault as fault:
            raise refusal(fault) from None
        session = merged.session
        changed |= dict.fromkeys(merged.changed)
    return Configured(session, tuple(changed))


def refusal(fault: ProtocolFault) -> ApiError:
    return ApiError(400, fault.message, code=fault.code, param=fault.param)


def _checked(wanted: object) -> dict[str, Any]:
    """Raises ProtocolFault."""
    if isinstance(wanted, dict) and wanted.get("type") == "transcription":
        raise ProtocolFault(
            "invalid_value",
            "Sessions of type 'transcription' are not served here: use 'realtime', whose "
            "audio.input.transcription transcribes the caller.",
            "session.type",
        )
    event = parse_client_event({"type": "session.update", "session": wanted})
    assert isinstance(event, SessionUpdate)
    return event.session


def _merged(session: dict[str, Any], wanted: dict[str, Any], persona: Persona) -> Merged:
    """As a call takes a `session.update` (`gateway.call.desk`): formats are between the client and its leg; a
    voice that is not the persona's leaves the one in force, and so does a language that it does not speak."""

    def allow(leaf: str) -> bool:
        return may_change(persona.policy, leaf) or leaf in FORMATS

    merged = merge_session(session, wanted, formats=CLIENT_FORMATS, allow=allow)
    refused = set()
    if VOICE in merged.changed and merged.session["audio"]["output"]["voice"] not in persona.allowed_voices:
        refused.add(VOICE)
    if TRANSCRIPTION in merged.changed and not kept_in_language(persona, merged.session):
        refused.add(TRANSCRIPTION)
    if not refused:
        return merged
    return merge_session(
        session, wanted, formats=CLIENT_FORMATS, allow=lambda leaf: leaf not in refused and allow(leaf)
    )
