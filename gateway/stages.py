"""The stages of a cascade as settings name them: where each is, its key, its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

__all__ = ["OPENAI", "STAGES", "Stage", "StageName", "with_defaults"]

StageName = Literal["chat", "stt", "tts"]

OPENAI = "https://api.openai.com/v1"

STAGES: dict[StageName, str] = {
    "chat": "gpt-4.1-mini",
    "stt": "gpt-4o-mini-transcribe",
    "tts": "gpt-4o-mini-tts",
}
"""Each with its model at OpenAI. What other servers have, nobody knows."""


@dataclass(frozen=True, slots=True)
class Stage:
    name: StageName
    url: str
    """Base, without a slash at its end: `https://api.openai.com/v1`."""
    key: SecretStr | None
    model: str


def with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """The settings, completed: a key alone means OpenAI, and for OpenAI a model is known."""
    values = dict(values)
    for stage, model in STAGES.items():
        url = f"cascade_{stage}_url"
        if values.get(f"cascade_{stage}_key") and not values.get(url):
            values[url] = OPENAI
        if str(values.get(url)).rstrip("/") == OPENAI and not values.get(f"cascade_{stage}_model"):
            values[f"cascade_{stage}_model"] = model
    return values
