"""Conversation items as turns: what the caller said between two utterances of ours, and what the tools answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.speech.ports import Heard
from personas.keys import typed
from personas.prompt import read_decided

__all__ = [
    "MOST_TURNS", "MOST_WORDS", "TURN_WORDS", "CallerTurn", "Ours", "Result", "ToolTurn", "Turn", "item_text",
    "turns_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """What the caller said or wrote, perhaps in several pieces."""

    text: str
    doubtful: bool
    """The ears were unsure of some of it."""
    full: bool = field(default=False, compare=False)
    """There was more of it than is understood."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What we said: empty when nothing of it was heard."""

    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One tool call and its answer; `output` is None while it runs."""

    name: str
    arguments: dict[str, Any]
    output: dict[str, Any] | None

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.output is not None and not self.undecided and not self.output.get("error")

    @property
    def undecided(self) -> bool:
        """Whether a person has to approve it first."""
        return self.output is not None and self.output.get("status") == "pending_approval"


@dataclass(frozen=True, slots=True)
class ToolTurn:
    results: tuple[Result, ...]


Turn = CallerTurn | Ours | ToolTurn

TURN_WORDS = 120
"""Words of one item of the caller, and of one turn of several, that are understood: the first. A minute of speech
is about as many."""
MOST_TURNS = 300
"""Turns of the caller that a reply is worked out from: the latest. A quarter of an hour has far fewer."""
MOST_WORDS = 2000
"""Words of the caller that a reply is worked out from: the latest. A quarter of an hour of talk has fewer."""

_CHARACTERS = 1200
_WORD = re.compile(r"\d+|[^\W\d]+")

DOUBT = 0.5
"""Below this score of the ears an utterance off the script is not believed unasked."""


def item_text(item: Mapping[str, Any]) -> str:
    """The words of a message item: transcripts of audio parts, texts of the others."""
    content = item.get("content")
    if isinstance(content, str):
        return content
    texts = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, Mapping):
            text = part.get("transcript") or part.get("text")
            if isinstance(text, str):
                texts.append(text)
    return " ".join(texts).strip()


def _json(text: Any) -> dict[str, Any]:
    if not isinstance(text, str):
        return dict(text) if isinstance(text, Mapping) else {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value.lower().startswith("error"):
        return {"error": value}
    return {"result": value}


def turns_of(items: Iterable[Mapping[str, Any]], heard: Mapping[str, Heard]) -> tuple[Turn, ...]:
    """The turns of a conversation. System messages are no turns, but for
    those that tell what a person has decided about a tool. Items of unknown kinds are passed over."""
    turns: list[Turn] = []
    calls: dict[str, Result] = {}
    for item in items:
        kind = item.get("type")
        if kind == "message":
            decided = read_decided(item_text(item)) if item.get("role") == "system" else None
            if decided is None:
                _message(turns, item, heard)
            elif (asked := calls.get(decided[0])) is not None:
                turns.append(ToolTurn((Result(asked.name, asked.arguments, _json(decided[1])),)))
        elif kind == "function_call":
            call = Result(str(item.get("name")), _json(item.get("arguments")), None)
            calls[str(item.get("call_id"))] = call
            turns.append(ToolTurn((call,)))
        elif kind == "function_call_output":
            begun = calls.get(str(item.get("call_id")))
            if begun is not None:
                done = Result(begun.name, begun.arguments, _json(item.get("output")))
                _settle(turns, begun, done)
        elif kind == "mcp_call":
            output = (
                _json(item.get("output"))
                if item.get("error") is None
                else {"error": str(item.get("error"))}
            )
            turns.append(ToolTurn((Result(str(item.get("name")), _json(item.get("arguments")), output),)))
    return _latest(turns)


def _latest(turns: list[Turn]) -> tuple[Turn, ...]:
    """The turns from the earliest that still counts."""
    count = words = 0
    for at in range(len(turns) - 1, -1, -1):
        turn = turns[at]
        if isinstance(turn, CallerTurn):
            count += 1
            words += sum(1 for _ in _WORD.finditer(turn.text))
            if count > MOST_TURNS or words > MOST_WORDS:
                return tuple(turns[at + 1 :])
    return tuple(turns)


def _understood(text: str) -> str:
    """The part of `text` that is listened to: what it costs must not grow with what a client types."""
    if len(text) > _CHARACTERS:
        text = text[:_CHARACTERS]
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count > TURN_WORDS:
            return text[: word.start()].rstrip()
    return text


def _message(turns: list[Turn], item: Mapping[str, Any], heard: Mapping[str, Heard]) -> None:
    text = item_text(item)
    if (keys := typed(text)) is not None:
        # Exact, so as good as digits that were said one by one; the other keys mean nothing here.
        text = " ".join(key for key in keys if key.isdigit())
    if item.get("role") == "assistant":
        turns.append(Ours(text))
    elif item.get("role") == "user":
        ear = heard.get(str(item.get("id")))
        doubtful = ear is not None and (
            ear.source == "none" or (ear.source == "open" and ear.score < DOUBT)
        )
        last = turns[-1] if turns else None
        if not isinstance(last, CallerTurn):
            turns.append(_turn(text, doubtful))
        elif last.full:
            turns[-1] = replace(last, doubtful=last.doubtful or doubtful)
        else:
            turns[-1] = _turn(f"{last.text} {text}".strip(), last.doubtful or doubtful)


def _turn(text: str, doubtful: bool) -> CallerTurn:
    said = _understood(text)
    return CallerTurn(said, doubtful, full=len(said) < len(text))


def _settle(turns: list[Turn], begun: Result, done: Result) -> None:
    """Put the answer where it came: after everything so far, in place of the call that was still running."""
    for at in range(len(turns) - 1, -1, -1):
        turn = turns[at]
        if isinstance(turn, ToolTurn) and any(each is begun for each in turn.results):
            kept = tuple(each for each in turn.results if each is not begun)
            if kept:
                turns[at] = ToolTurn(kept)
            else:
                del turns[at]
            break
    last = turns[-1] if turns else None
    if isinstance(last, ToolTurn) and all(each.output is not None for each in last.results):
        turns[-1] = ToolTurn((*last.results, done))
    else:
        turns.append(ToolTurn((done,)))
