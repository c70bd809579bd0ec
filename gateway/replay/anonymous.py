"""A recording that names nobody: every text in it made unreadable, its shape kept. Pure.

Each word becomes another one of the same length, everywhere the same; each digit becomes 5. What stays are the words by
which a core decides (backchannels, farewells, what answering machines say), and what is no text: types, ids, names of
tools, settings. A string is a text unless its name is known to hold none, so what nobody thought of is hidden too.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from gateway.call.beginning import BEGAN
from gateway.call.machine_words import LOCALES, SCREENING
from gateway.call.parting import GOODBYES
from gateway.call.turn import BACKCHANNELS, STOPPERS
from gateway.replay.recording import Recording, Row
from personas.keys import PRESSED

__all__ = ["Anonymous"]

WORD = re.compile(r"[^\W\d_]+")
NAME = re.compile(r"\{[^{}]*\}")
"""A fact's name in a text of a persona."""

KEPT = frozenset({
    "type", "id", "object", "status", "role", "name", "event_id", "item_id", "response_id", "call_id",
    "previous_item_id", "tool_call_id", "conversation", "conversation_id", "voice", "format", "modalities",
    "output_modalities", "tool_choice", "truncation", "eagerness", "noise_reduction", "effort", "model",
    "provider", "kind", "source", "ending", "code", "param", "effects", "passed", "core", "server_label", "policy",
    "turns", "language", "locale", "timezone", "hours", "mode", "terminator", "scenario", "avatar_key",
    "presenting_gender", "age_band", "default_voice", "allowed_voices", "required", "enum", "target",
    "review_status", "asset_status", "session_tier", "reasoning_effort", "pacing", "empathy", "primary", "supported",
    "recommended", "content_index", "finish_reason", "reason", "fields", "rates", "sellers", "ears",
})  # fmt: skip
"""Names whose strings are no texts."""
_LEXICON = frozenset(
    word
    for text in (
        *BACKCHANNELS, *STOPPERS, *GOODBYES, *SCREENING, *(p for ps in LOCALES.values() for p in ps),
        PRESSED, "sip", "sips",
    )
    for word in WORD.findall(text.lower())
)  # fmt: skip


class Anonymous:
    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def recording(self, recording: Recording, name: str) -> Recording:
        """Under another name, without its transcript."""
        rows = tuple(replace(row, event=self._row(row)) for row in recording.rows)
        return Recording(name, recording.leg, rows)

    def _row(self, row: Row) -> dict[str, Any]:
        event = {key: value for key, value in row.event.items() if key != "effects"}
        if event.get("type") == "ClientSent" and "message" in event:
            return event | {"message": self._json(event["message"])}
        hidden: dict[str, Any] = self._value(event)
        if event.get("type") == BEGAN:
            hidden["session"]["id"] = "sess_recorded"
        return hidden

    def _value(self, value: Any, key: str = "") -> Any:
        match value:
            case dict() if key == "tariff":
                return value
            case dict():
                if key == "facts":
                    return {name: self._value(one) for name, one in value.items()}
                return {name: self._value(one, name) for name, one in value.items()}
            case list():
                return [self._value(one, key) for one in value]
            case str() if key in KEPT or (key == "type" and value):
                return value
            case str() if key in ("arguments", "output"):
                return self._json(value)
            case str():
                return self.text(value)
            case _:
                return value

    def _json(self, text: str) -> str:
        """JSON in a string: its names stay."""
        try:
            value = json.loads(text)
        except ValueError:
            return self.text(text)
        if isinstance(value, dict | list):
            return json.dumps(self._value(value), ensure_ascii=False)
        return self.text(text)

    def text(self, text: str) -> str:
        parts, end = [], 0
        for name in NAME.finditer(text):
            parts += [self._plain(text[end : name.start()]), name[0]]
            end = name.end()
        return "".join([*parts, self._plain(text[end:])])

    def _plain(self, text: str) -> str:
        return re.sub(r"\d", "5", WORD.sub(lambda word: self._word(word[0]), text))

    def _word(self, word: str) -> str:
        if word.lower() in _LEXICON:
            return word
        found = self._words.get(word.lower())
        if found is None:
            found = self._words[word.lower()] = _made(len(self._words), len(word))
        return found if word.islower() else found.upper() if word.isupper() else found.capitalize()


def _made(number: int, length: int) -> str:
    """The word of this number, in letters; short ones come again."""
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 20)
        letters.append("bcdfghjklmnpqrstvwxz"[rest])
    return "".join(letters)
