"""The part of a persona that the embedded engine needs: tasks with slots, answers, repairs. Frozen; no I/O."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Dialogue"]


class Dialogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
