"""What a client did wrong, in the words of the protocol's `error` event."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["ProtocolFault", "fault_of"]


class ProtocolFault(Exception):
    """One client event cannot be honoured. Nothing was changed by it; the connection goes on."""

    def __init__(
        self,
        code: str,
        message: str,
        param: str | None = None,
        event_id: str | None = None,
        *,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id
        self.kind = kind

    def of(self, event_id: str | None) -> ProtocolFault:
        """The same fault, told about the client event `event_id`."""
        return ProtocolFault(self.code, self.message, self.param, event_id, kind=self.kind)


def fault_of(
    error: ValidationError, data: object, root: str = "", event_id: str | None = None
) -> ProtocolFault:
    """The fault that tells the most of a pydantic error: the one found deepest in `data`. `root` is put before
    its path: `session.audio.input.turn_detection.threshold`, `session.tools[0].name`."""
    found = [
        (_path(details, data), details) for details in error.errors(include_url=False, include_input=False)
    ]
    steps, details = max(found, key=lambda pair: len(pair[0]))
    param = _dotted(root, steps)
    code, message = _words(details, param)
    return ProtocolFault(code, message, param or None, event_id)


def _path(details: ErrorDetails, data: object) -> list[str | int]:
    """The steps that lead through `data`: pydantic's own path also names union members, which are no keys."""
    steps: list[str | int] = []
    here = data
    for step in details["loc"]:
        match here:
            case dict() if step in here:
                here = here[step]
            case list() if isinstance(step, int) and step < len(here):
                here = here[step]
            case _:
                continue
        steps.append(step)
    if details["type"] == "missing":
        steps.append(details["loc"][-1])
    elif details["type"] in ("union_tag_not_found", "union_tag_invalid"):
        steps.append(details["ctx"]["discriminator"].strip("'"))
    return steps


def _dotted(root: str, steps: Sequence[str | int]) -> str:
    text = root
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def _words(details: ErrorDetails, param: str) -> tuple[str, str]:
    kind = details["type"]
    if kind == "extra_forbidden":
        return "unknown_parameter", f"Unknown parameter: '{param}'."
    if kind in ("missing", "union_tag_not_found"):
        return "missing_required_parameter", f"Missing required parameter: '{param}'."
    told = details["msg"].removeprefix("Value error, ")
    if kind.endswith("_type"):
        return "invalid_type", f"Invalid type for '{param}': {told}."
    return "invalid_value", f"Invalid value for '{param}': {told}."
