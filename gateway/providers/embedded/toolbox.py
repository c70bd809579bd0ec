"""Which tool an utterance asks for, and what has to be asked before it can be called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.providers.embedded.english.words import STOP, alike, tokens
from gateway.providers.embedded.retelling import words_of
from gateway.providers.embedded.schema import kind_of, parameters_of, resolve

__all__ = ["Pending", "choose_tool", "named_tool", "question_for", "usable"]

Tool = Mapping[str, Any]

_ENOUGH = 1.7
_STEERING = ("hang_up", "end_call", "hand_over", "transfer_to_human")
"""Tools that end the conversation: taken by what the caller does, never by likeness of words."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for an argument the caller was asked for."""

    tool: Tool
    arguments: dict[str, Any] = field(default_factory=dict)
    asked: str = ""


def usable(tools: Iterable[Tool], tool_choice: Any) -> list[Tool]:
    """The function tools that may be called under `tool_choice`."""
    if tool_choice == "none":
        return []
    functions = [
        tool
        for tool in tools
        if isinstance(tool.get("name"), str) and tool.get("type", "function") == "function"
    ]
    wanted = named_tool(tool_choice)
    return [tool for tool in functions if tool["name"] == wanted] if wanted else functions


def named_tool(tool_choice: Any) -> str | None:
    """The tool that `tool_choice` names."""
    if not isinstance(tool_choice, Mapping):
        return None
    inner = tool_choice.get("function")
    name = tool_choice.get("name") or (inner.get("name") if isinstance(inner, Mapping) else None)
    return name if isinstance(name, str) else None


def _vocabulary(tool: Tool) -> dict[str, float]:
    """The words that stand for a tool, and how much each counts."""
    weights: dict[str, float] = {}

    def learn(text: str, weight: float) -> None:
        for word in tokens(text):
            if word not in STOP and word not in (
                "tool",
                "function",
                "user",
                "caller",
                "given",
                "string",
                "use",
                "call",
            ):
                weights[word] = max(weights.get(word, 0.0), weight)

    learn(words_of(str(tool.get("name", ""))), 2.0)
    learn(str(tool.get("description") or ""), 0.9)
    root = parameters_of(tool)
    properties = root.get("properties")
    for name, each in properties.items() if isinstance(properties, Mapping) else ():
        schema = resolve(each, root)
        learn(words_of(str(name)), 0.9)
        learn(str(schema.get("description") or ""), 0.5)
        for choice in schema.get("enum") or ():
            learn(words_of(str(choice)), 1.7)
    return weights


def choose_tool(tools: list[Tool], text: str, *, any_of: bool = False) -> Tool | None:
    """The tool that `text` asks for. `any_of`: one of them in any case."""
    words = [word for word in tokens(text) if word not in STOP]
    vocabularies = [_vocabulary(tool) for tool in tools]
    best, score = None, 0.0 if any_of else _ENOUGH
    for tool, weights in zip(tools, vocabularies, strict=True):
        if tool["name"] in _STEERING and not any_of:
            continue
        got = 0.0
        for word in words:
            likeness, twin = max(((alike(word, other), other) for other in weights), default=(0.0, ""))
            if likeness >= 0.8:
                shared = sum(1 for each in vocabularies if twin in each)
                got += likeness * weights[twin] / shared**0.5
        if got > score or (any_of and best is None):
            best, score = tool, max(got, score)
    return best


def question_for(tool: Tool, name: str) -> str:
    """How to ask for a missing argument: by its description."""
    root = parameters_of(tool)
    properties = root.get("properties")
    schema = resolve(properties.get(name, {}), root) if isinstance(properties, Mapping) else {}
    choices = [words_of(str(choice)) for choice in schema.get("enum") or () if choice is not None]
    if 1 < len(choices) <= 6:
        return f"Which {words_of(name)} would you like: {', '.join(choices[:-1])} or {choices[-1]}?"
    description = str(schema.get("description") or "").strip()
    first = re.split(r",? \(?(?:e\.g\.|for example|such as)|[.;] ", description, maxsplit=1)[0].rstrip(". ")
    if not first and kind_of(schema) == "boolean":
        return f"{words_of(name).capitalize()}, yes or no?"
    if not first:
        return f"What is the {words_of(name)}?"
    if first.endswith("?"):
        return first
    if kind_of(schema) == "boolean":
        return f"{first[0].upper()}{first[1:]}: yes or no?"
    start = first[0].lower() + first[1:] if not first[:2].isupper() else first
    article = "" if start.startswith(("the ", "a ", "an ", "your ", "which ", "what ", "how ")) else "the "
    return f"Please tell me {article}{start}."
