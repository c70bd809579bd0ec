"""A conversation without a dialogue, in a language in which instructions are not read: what is settled is said, what is
owed is called, and the rest is declined in that language."""

from __future__ import annotations

from gateway.engine.mind import Reply, Request, ToolUse
from gateway.providers.embedded.facts import greeting_in, quoted_order
from gateway.providers.embedded.grammar import Act
from gateway.providers.embedded.schema import fitted
from gateway.providers.embedded.tongue import Tongue
from gateway.providers.embedded.toolbox import usable
from gateway.providers.embedded.turns import CallerTurn, Ours, ToolTurn, turns_of

__all__ = ["respond"]


def respond(request: Request, tongue: Tongue) -> Reply:
    """The reply to make now; never empty."""
    order = quoted_order(request.response_instructions) or quoted_order(request.instructions)
    if order is not None:
        return Reply(say=order)
    turns = turns_of(request.conversation, request.heard)
    last = turns[-1] if turns else None
    if isinstance(last, ToolTurn):
        return Reply(say=tongue.lines.goodbye if _over(last) else tongue.lines.moment)
    if isinstance(last, CallerTurn):
        said = next((turn.text for turn in reversed(turns) if isinstance(turn, Ours) and turn.text), "")
        return _to_caller(request, tongue, last.text, said)
    if last is not None:
        return Reply(say=tongue.lines.how_can_i_help)
    persona = request.persona
    greeting = persona.greeting if persona is not None else None
    return Reply(say=greeting_in(request.instructions) or greeting or tongue.lines.how_can_i_help)


def _over(turn: ToolTurn) -> bool:
    return all(result.ok and result.name in ("hang_up", "hand_over") for result in turn.results)


def _to_caller(request: Request, tongue: Tongue, text: str, said: str) -> Reply:
    words, lines = tongue.tokens(text), tongue.lines
    tools = {str(tool["name"]): tool for tool in usable(request.tools, request.tool_choice)}
    match tongue.grammar.find_act(words) if words else None:
        case Act.GOODBYE:
            farewell = request.persona.farewell if request.persona is not None else ""
            uses = (ToolUse("hang_up", {}),) if "hang_up" in tools else ()
            return Reply(farewell or lines.goodbye, uses)
        case Act.PERSON if "hand_over" in tools:
            wanted = {"department": request.persona.display_name if request.persona else "", "reason": text}
            return Reply(lines.moment, (ToolUse("hand_over", fitted(wanted, tools["hand_over"])),))
        case Act.HOLD:
            return Reply(say=lines.took_time)
        case Act.REPEAT:
            return Reply(say=said or lines.how_can_i_help)
        case Act.THANKS:
            return Reply(say=lines.welcome)
        case Act.GREETING | Act.BACK | Act.BACKCHANNEL:
            return Reply(say=f"{lines.hello} {lines.how_can_i_help}")
        case _:
            return Reply(say=lines.unable if words else lines.again)
