"""One call that OpenAI holds on SIP, as far as it can be commanded."""

from __future__ import annotations

import logging
from typing import Any

from api.errors import ApiError
from api.surfaces.telephony.commands.client import Commands, Refused, Unreached
from api.surfaces.telephony.openai.words import command
from gateway.config import Settings
from gateway.consultation import Consultation
from gateway.errors import ExchangeRefused

__all__ = ["BUSY", "CARRIER", "OpenAiCall"]

logger = logging.getLogger(__name__)

CARRIER = "openai_sip"
BUSY = 486
"""Busy Here (RFC 3261, 21.4.24)."""
NO_KEYS = "Keys cannot be pressed in this call."
NO_WARMTH = (
    "On this line nobody can be spoken with first; put the caller through at once, or take a message."
)


class OpenAiCall:
    """Implements `gateway.ports.Exchange`."""

    def __init__(self, call: str, settings: Settings, commands: Commands) -> None:
        self.call = call
        self._settings = settings
        self._commands = commands

    async def accept(self, session: dict[str, Any]) -> bool:
        """False when the caller had gone. Raises ApiError 503."""
        return await self._run("accept", session)

    async def reject(self) -> None:
        """All lines are in use. Raises ApiError 503."""
        await self._run("reject", {"status_code": BUSY})

    async def hang_up(self) -> bool:
        """False when there was nothing left to hang up. Never raises."""
        try:
            return await self._run("hangup")
        except ApiError:
            # It was told in the log. The call may go on until the caller tires of silence.
            return True

    async def transfer(self, to: str) -> None:
        target = to if ":" in to else f"tel:{to}"
        try:
            gone = not await self._run("refer", {"target_uri": target})
        except ApiError:
            raise ExchangeRefused("The line does not put callers through just now.") from None
        if gone:
            raise ExchangeRefused("The caller has hung up.")

    async def consult(self, to: str, consultation: Consultation) -> None:
        raise ExchangeRefused(NO_WARMTH)

    async def recall(self, consultation: Consultation) -> None:
        """Nobody is called."""

    async def press(self, digits: str) -> bool:
        raise ExchangeRefused(NO_KEYS)

    async def _run(self, verb: str, body: dict[str, Any] | None = None) -> bool:
        """Whether there was a call to do it to. Raises ApiError 503."""
        try:
            await self._commands.run(CARRIER, command(self._settings, self.call, verb, body))
        except Refused as refusal:
            if refusal.ended:
                return False
            logger.warning("%s refused to %s a call: %s", CARRIER, verb, refusal)
            raise ApiError(503, "OpenAI refused.") from None
        except Unreached:
            raise ApiError(503, "OpenAI was not reached.") from None
        return True
