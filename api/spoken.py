"""Whether a call can be held in the persona's language at all: asked before there is one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from api.deps import Deps
from api.errors import ApiError
from gateway.languages import written
from personas.persona import Persona

__all__ = ["check_spoken"]

logger = logging.getLogger(__name__)


def check_spoken(
    deps: Deps, persona: Persona, session: Mapping[str, Any] | None = None, *, plays: bool = True
) -> None:
    """A call with this session on a leg that `plays` (`gateway.languages.written`). Raises ApiError 503 where no model
    that is configured can hold it."""
    why = deps.unspoken(persona, written(session, plays=plays))
    if why is None:
        return
    deps.counts.refused("language")
    logger.warning("refused: a call of %s, whose language no configured provider speaks", persona.id)
    raise ApiError(503, why, code="language_not_spoken")
