"""The mind of the embedded engine: a persona's dialogue where it has one, else the instructions as they are."""

from __future__ import annotations

from gateway.engine.mind import MindLost, Reply, Request
from gateway.providers.embedded import free, plain
from gateway.providers.embedded.known import refuses, tongue_of
from gateway.providers.embedded.policy import respond_to
from gateway.providers.embedded.script import sentences
from gateway.providers.embedded.state import Expect, Expecting, State
from gateway.providers.embedded.steps import next_reply, say
from gateway.providers.embedded.tongue import Tongue
from gateway.providers.embedded.turns import CallerTurn, Ours, ToolTurn, turns_of
from gateway.speech.ports import LANGUAGES
from personas.dialogue import Dialogue
from personas.persona import Persona
from personas.prompt import said_exactly

__all__ = ["DialogueMind"]

_ENDING = ("hang_up", "hand_over")


class DialogueMind:
    """A `Mind`. Every reply is worked out from the conversation's items alone, by replaying them: what the caller
    said decides what was asked, so the state needs no memory between replies."""

    def respond(self, request: Request) -> Reply:
        """The reply to make now. Never empty, never raises on any items. Raises MindLost for a persona whose language
        has no pack (`known`)."""
        settled = said_exactly(request.response_instructions) or said_exactly(request.instructions)
        if settled is not None and settled.strip():
            return Reply(say=settled)
        persona = request.persona
        tongue = tongue_of(persona)
        if tongue is None:
            assert persona is not None  # which has a tongue
            raise MindLost(f"the mind does not know {persona.language} ({persona.locale})")
        dialogue = persona.dialogue if persona is not None else None
        if free.must_call(request) or (tongue.language == "en" and dialogue is None):
            return free.respond(request)
        if persona is None or dialogue is None:
            return plain.respond(request, tongue)
        reply = _replay(request, tongue, persona, dialogue)
        return reply if reply.say or reply.tool_uses else Reply(say=dialogue.what_for)

    def refuses(self, persona: Persona, *, written: bool) -> str | None:
        """Why it cannot hold a call of this persona with the ears and the voice that come with it."""
        return refuses(persona, written=written)

    def script(self, persona: Persona) -> tuple[str, ...]:
        """Sentences a caller of this persona may say, for the ears' language model; none in a language that they do
        not know."""
        tongue = tongue_of(persona)
        return sentences(persona) if tongue is not None and tongue.language in LANGUAGES else ()


def _replay(request: Request, tongue: Tongue, persona: Persona, dialogue: Dialogue) -> Reply:
    state = State.begin(request, tongue, persona, dialogue)
    reply: Reply | None = None
    last_said = ""
    for turn in turns_of(request.conversation, request.heard):
        match turn:
            case Ours(text):
                reply, last_said = None, text
            case CallerTurn():
                state.over = False
                reply = respond_to(
                    state, turn, reminded=bool(last_said) and last_said == persona.still_there
                )
            case ToolTurn():
                reply = _tools_answered(state, turn)
    if reply is not None:
        return reply
    if not state.said:
        return say(state, dialogue.what_for if last_said else persona.greeting or dialogue.what_for)
    return say(state, state.prompt or dialogue.what_for)


def _tools_answered(state: State, turn: ToolTurn) -> Reply:
    for result in turn.results:
        state.results[result.name] = result
        if result.ok and result.output is not None:
            state.known[result.name] = result.output
        if result.name in _ENDING and result.output is not None and not (result.ok or result.undecided):
            state.over = False
            state.expecting = Expecting(Expect.MORE)
            state.prompt = state.dialogue.anything_else
            return say(
                state,
                state.dialogue.hand_over.unavailable if result.name == "hand_over" else "",
                state.prompt,
            )
    if any(result.output is None for result in turn.results):
        return Reply(say=state.dialogue.working)
    if any(result.undecided for result in turn.results):
        return say(state, state.dialogue.approval)
    if all(result.name in _ENDING for result in turn.results):
        return Reply(say=state.tongue.lines.goodbye)
    return next_reply(state)
