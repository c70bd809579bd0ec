"""What can go wrong with ears and voice."""

from __future__ import annotations

from gateway.errors import GatewayError

__all__ = ["SpeechBusy", "SpeechError", "SpeechUnavailable"]


class SpeechError(GatewayError):
    """The engine could not do it: it refused the input, or failed twice in a row on the same request."""


class SpeechBusy(SpeechError):
    """More requests wait than the pool's bound; nothing was begun."""


class SpeechUnavailable(SpeechError):
    """No engine of the wanted kind can run here, or the pool is closed."""
