"""A conversation without a dialogue of its own: the client's instructions and tools, as far as rules can follow."""

from __future__ import annotations

import re
from typing import Any

from gateway.engine.mind import Reply, Request, ToolUse
from gateway.providers.embedded.arguments import arguments_for, forced
from gateway.providers.embedded.english.dates import say_date, say_time
from gateway.providers.embedded.english.grammar import find_act
from gateway.providers.embedded.english.words import tokens
from gateway.providers.embedded.facts import (
    fact_for,
    greeting_in,
    one_sentence,
    quoted_order,
    role_in,
    rule_for,
    sentences_of,
)
from gateway.providers.embedded.grammar import Act
from gateway.providers.embedded.retelling import retell, words_of
from gateway.providers.embedded.toolbox import Pending, choose_tool, named_tool, question_for, usable
from gateway.providers.embedded.turns import CallerTurn, Ours, ToolTurn, Turn, item_text, turns_of

__all__ = ["must_call", "respond"]

_GETTING = re.compile(r"^(?:get|fetch|look up|find|check|search|list|show) ")
_STEERING = ("hang_up", "hand_over")
_NAMES = (
    "your name",
    "who are you",
    "what are you",
    "who am i talking to",
    "who am i speaking to",
    "who is this",
)


def must_call(request: Request) -> bool:
    """Whether the response has to be a tool call."""
    wanted = request.tool_choice == "required" or named_tool(request.tool_choice) is not None
    return wanted and bool(usable(request.tools, request.tool_choice))


def respond(request: Request) -> Reply:
    """The reply to make now; never empty."""
    order = quoted_order(request.response_instructions) or quoted_order(request.instructions)
    turns = turns_of(request.conversation, request.heard)
    tools = usable(request.tools, request.tool_choice)
    last = turns[-1] if turns else None
    if must_call(request):
        text = next((turn.text for turn in reversed(turns) if isinstance(turn, CallerTurn)), "")
        tool = choose_tool(tools, text, any_of=True) or tools[0]
        return Reply(tool_uses=(ToolUse(str(tool["name"]), forced(tool, text, request.now)),))
    if order is not None:
        return Reply(say=order)
    if isinstance(last, ToolTurn):
        return _after_tools(last)
    if isinstance(last, CallerTurn):
        reply = _to_caller(request, turns, last, tools)
    else:
        reply = Reply(say=_opening(request, spoke=last is not None))
    if one_sentence(request.instructions) and reply.say:
        reply = Reply(_first_sentence(reply.say), reply.tool_uses)
    return reply


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[^A-Z][.!?])\s+(?=[A-Z])", text, maxsplit=1)[0]


def _opening(request: Request, *, spoke: bool) -> str:
    """The first words, or a nudge when it is our turn again though the caller said nothing."""
    if spoke:
        return "I'm here. What can I do for you?"
    quoted = greeting_in(request.response_instructions or "") or greeting_in(request.instructions)
    if quoted:
        return quoted
    if (
        request.persona is not None
        and request.persona.greeting
        and request.persona.instructions in request.instructions
    ):
        return request.persona.greeting
    role = role_in(request.instructions)
    return f"Hello, I'm {role}. How can I help you?" if role else "Hello. How can I help you?"


def _after_tools(turn: ToolTurn) -> Reply:
    told = [retell(result.name, result.output) for result in turn.results if result.output is not None]
    return Reply(say=" ".join(told) or "One moment, please.")


# ── the caller ────────────────────────────────────────────────────────────────────────────────────────────


def _to_caller(request: Request, turns: tuple[Turn, ...], turn: CallerTurn, tools: list[Any]) -> Reply:
    words = tokens(turn.text)
    if not words:
        return Reply(say="Sorry, I didn't catch that. Could you say it again?")
    act = find_act(words)
    if act is Act.HOLD:
        return Reply(say="Sure, take your time.")
    if act is Act.REPEAT:
        said = next(
            (each.text for each in reversed(turns[:-1]) if isinstance(each, Ours) and each.text), ""
        )
        return Reply(say=said or "I haven't said anything yet. How can I help you?")
    pending = _pending(request, turns[:-1], tools)
    if act is Act.CANCEL and pending is not None:
        return Reply(say="All right, I'll leave that. What else can I do for you?")
    ruled = rule_for(request.instructions, words)
    if ruled is not None:
        return Reply(say=ruled)
    if pending is not None:
        return _call(request, pending, turn.text)
    if act is Act.GOODBYE:
        return _goodbye(request, tools)
    if act is Act.PERSON and any(tool["name"] == "hand_over" for tool in tools):
        tool = next(tool for tool in tools if tool["name"] == "hand_over")
        return Reply(
            "One moment, I'll pass you on.", (ToolUse("hand_over", forced(tool, turn.text, request.now)),)
        )
    wanted = choose_tool(tools, turn.text)
    if wanted is not None:
        return _call(request, Pending(wanted), turn.text)
    again = _once_more(request, turns, turn.text, words, tools)
    if again is not None:
        return again
    return Reply(
        say=_small_talk(request, words, act)
        or _known(request, turns, words)
        or _unable(tools, turn.doubtful)
    )


def _pending(request: Request, turns: tuple[Turn, ...], tools: list[Any]) -> Pending | None:
    """The call that our last question belongs to: found by replaying what was asked for since the last result."""
    pending: Pending | None = None
    for turn in turns:
        if isinstance(turn, ToolTurn):
            pending = None
        elif isinstance(turn, CallerTurn):
            if find_act(tokens(turn.text)) in (Act.HOLD, Act.REPEAT):
                continue
            if find_act(tokens(turn.text)) is Act.CANCEL:
                pending = None
                continue
            tool = pending.tool if pending else choose_tool(tools, turn.text)
            pending = _after(request, pending or Pending(tool), turn.text) if tool is not None else None
    return pending


def _after(request: Request, pending: Pending, text: str) -> Pending | None:
    """The call after `text` was heard: None once nothing is missing."""
    taken = arguments_for(
        pending.tool, text, request.now, known=pending.arguments, asked=pending.asked or None
    )
    return Pending(pending.tool, taken.arguments, taken.missing[0]) if taken.missing else None


def _call(request: Request, pending: Pending, text: str) -> Reply:
    taken = arguments_for(
        pending.tool, text, request.now, known=pending.arguments, asked=pending.asked or None
    )
    if not taken.missing:
        return Reply(tool_uses=(ToolUse(str(pending.tool["name"]), taken.arguments),))
    again = "Sorry, I didn't get that. " if pending.asked == taken.missing[0] else ""
    return Reply(say=again + question_for(pending.tool, taken.missing[0]))


def _once_more(
    request: Request, turns: tuple[Turn, ...], text: str, words: tuple[str, ...], tools: list[Any]
) -> Reply | None:
    """`And in Paris?`: the last tool again, with what is different."""
    if words[:1] != ("and",) and words[:2] not in (("what", "about"), ("how", "about")):
        return None
    used = [result for turn in turns if isinstance(turn, ToolTurn) for result in turn.results]
    tool = next((tool for tool in tools if used and tool["name"] == used[-1].name), None)
    if tool is None:
        return None
    taken = arguments_for(tool, text, request.now, known={}, asked=None)
    if taken.missing or not taken.arguments:
        return None
    return Reply(tool_uses=(ToolUse(str(tool["name"]), taken.arguments),))


def _goodbye(request: Request, tools: list[Any]) -> Reply:
    farewell = request.persona.farewell if request.persona is not None else "Goodbye."
    ends = any(tool["name"] == "hang_up" for tool in tools)
    return Reply(farewell or "Goodbye.", (ToolUse("hang_up", {}),) if ends else ())


def _small_talk(request: Request, words: tuple[str, ...], act: Act | None) -> str | None:
    text = " ".join(words)
    if any(name in text for name in _NAMES):
        role = role_in(request.instructions)
        return (
            f"I'm {role}."
            if role
            else "I'm the built-in engine of Parley, a voice assistant that follows rules."
        )
    if "can you do" in text or "can you help" in text:
        able = _able(list(request.tools))
        return (
            f"I can tell you the time and the date{f', and {able}' if able else ''}. What would you like?"
        )
    if "how are you" in text:
        return "I'm doing well, thank you. How can I help you?"
    if ("time" in words or "oclock" in words) and "what" in words and len(words) <= 6:
        return f"It is {say_time(request.now.time())}."
    if ("date" in words or "day" in words) and "what" in words and len(words) <= 7:
        return f"Today is {say_date(request.now.date())}."
    if act is Act.THANKS:
        return "You're welcome."
    if act in (Act.GREETING, Act.BACK):
        return "Hello. How can I help you?"
    if act is Act.BACKCHANNEL:
        return "What can I do for you?"
    return None


def _known(request: Request, turns: tuple[Turn, ...], words: tuple[str, ...]) -> str | None:
    """An answer out of the instructions, the system's messages, or what the caller told before."""
    sources = [request.instructions]
    sources += [item_text(item) for item in request.conversation if item.get("role") == "system"]
    stated = [sentence for source in sources for sentence in sentences_of(source)]
    fact = fact_for(stated, words)
    if fact is not None:
        return fact if fact[-1:] in ".!?" else f"{fact}."
    told = [
        sentence
        for turn in turns[:-1]
        if isinstance(turn, CallerTurn)
        for sentence in sentences_of(turn.text)
    ]
    remembered = fact_for(told, words, 0.6)
    return f"You told me: {remembered.rstrip('.')}." if remembered else None


def _unable(tools: list[Any], doubtful: bool) -> str:
    if doubtful:
        return "Sorry, I didn't catch that. Could you say it another way?"
    able = _able(tools)
    if able:
        return f"I'm sorry, I can't answer that. I can {able}. What would you like?"
    return "I'm sorry, I don't know anything about that. Is there something else?"


def _able(tools: list[Any]) -> str:
    """What the tools are good for, as one says it: `help with the weather`, `book table`."""
    abilities: list[str] = []
    for tool in tools:
        name = words_of(str(tool["name"]))
        thing = _GETTING.sub("", name)
        if tool["name"] not in _STEERING:
            abilities.append(f"help with the {thing}" if thing != name or " " not in name else name)
    return " or ".join(abilities[:3])
