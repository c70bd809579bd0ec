"""What tools did to a call, where no call is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tools.contract import ToolError

__all__ = ["FakeControl"]


@dataclass
class FakeControl:
    """Keeps what was asked. `targets` can be put through to; `fault` is why that comes to nothing."""

    acts: list[str] = field(default_factory=list)
    targets: tuple[str, ...] = ()
    fault: str = ""
    colleagues: tuple[str, ...] = ()
    """Agents that the caller can be passed to."""

    def hang_up(self) -> None:
        self.acts.append("hang_up")

    def hand_over(self, department: str, reason: str) -> None:
        self.acts.append("hand_over")

    def pause_recording(self, *, paused: bool) -> None:
        self.acts.append("pause" if paused else "resume")

    def hold(self, on: bool) -> None:
        self.acts.append(f"hold {on}")

    def can_transfer(self, to: str) -> bool:
        return to in self.targets

    async def transfer(self, to: str, reason: str, mode: Literal["cold", "warm"] | None = None) -> None:
        self.acts.append(f"transfer {to} {mode}")
        if self.fault:
            raise ToolError(self.fault)

    async def press(self, digits: str) -> None:
        self.acts.append(f"press {digits}")

    def colleague(self, agent: str) -> tuple[str, ...]:
        if agent not in self.colleagues:
            raise ToolError(f"You cannot pass the caller to {agent}.")
        return ("Caller: I want somebody else.",)

    def pass_on(self, agent: str, summary: str, facts: Sequence[str]) -> None:
        self.acts.append(f"pass on to {agent}: {summary} {list(facts)}")

    def take_caller(self) -> None:
        self.acts.append("take")

    def decline_caller(self, reason: str) -> None:
        self.acts.append(f"decline {reason}")
