"""OpenAI's GA Realtime server over WebSocket (sections 2 to 10 of the reference)."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from tests.peers.faults import Event
from tests.peers.ga_events import check_client, complaints
from tests.peers.ids import new_id
from tests.peers.peer import RealtimePeer, serving
from tests.peers.script import Refusal, Script
from tests.peers.session import default_session, merged
from tests.peers.vendor import Upgrade

__all__ = ["KEY", "GaDialect", "OpenAi", "OpenAiPeer"]

KEY = "sk-peer-0123456789"


class GaDialect:
    """GA's words are those of the conversation: nothing to translate, everything to check."""

    def __init__(self, model: str, script: Script) -> None:
        self._model = model
        self._script = script

    def session(self, expires_at: int) -> Event:
        return merged(default_session(new_id("sess"), self._model, expires_at), self._script.session)

    def read(self, event: Event) -> Event:
        return check_client(event)

    def tell(self, event: Event) -> Iterator[Event]:
        yield event

    def judge(self, event: Event) -> list[str]:
        return complaints(event)


class OpenAi:
    """Who may come in (section 2), and how the others are told (section 10)."""

    path = "/v1/realtime"

    def __init__(self, script: Script, key: str = KEY, models: frozenset[str] | None = None) -> None:
        self._script = script
        self._key = key
        self._models = models

    def admit(self, upgrade: Upgrade) -> tuple[Refusal, str] | None:
        if upgrade.path != self.path:
            return Refusal(404, "unknown_url", f"Invalid URL (GET {upgrade.path})"), "1, path"
        if not hmac.compare_digest(self._offered(upgrade), self._key):
            message = "Incorrect API key provided. You can find your API key in your dashboard."
            return Refusal(401, "invalid_api_key", message), "2, Authorization: Bearer, or the subprotocol"
        if "openai-beta" in upgrade.headers:
            message = "The Realtime Beta API is no longer supported."
            return Refusal(
                400, "beta_api_shape_disabled", message
            ), "2, OpenAI-Beta: GA clients must not send it"
        return self._addressed(upgrade.query)

    def _addressed(self, query: dict[str, str]) -> tuple[Refusal, str] | None:
        if ("model" in query) == ("call_id" in query):
            message = "You must provide exactly one of 'model' and 'call_id'."
            return Refusal(400, "missing_model", message), "2, exactly one of model and call_id"
        if "call_id" in query:
            message = f"No call with id '{query['call_id']}'."
            return Refusal(404, "call_id_not_found", message), "10, 404 unknown call"
        if not query["model"] or (self._models is not None and query["model"] not in self._models):
            message = f"The model '{query['model']}' does not exist or you do not have access to it."
            return Refusal(404, "model_not_found", message), "3.1, model"
        return None

    def body(self, refusal: Refusal) -> Event:
        return {
            "error": {
                "message": refusal.message,
                "type": refusal.kind,
                "param": None,
                "code": refusal.code,
            }
        }

    def dialect(self, upgrade: Upgrade) -> GaDialect:
        return GaDialect(upgrade.query["model"], self._script)

    def _offered(self, upgrade: Upgrade) -> str:
        scheme, _, key = upgrade.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return key
        prefix = "openai-insecure-api-key."
        return next((p.removeprefix(prefix) for p in upgrade.subprotocols if p.startswith(prefix)), "")


class OpenAiPeer:
    """`async with OpenAiPeer.open(script) as peer:`"""

    @staticmethod
    @asynccontextmanager
    async def open(
        script: Script | None = None, *, key: str = KEY, models: frozenset[str] | None = None
    ) -> AsyncIterator[RealtimePeer]:
        """A server that takes `key` and, if given, only these models."""
        script = script or Script()
        async with serving(OpenAi(script, key, models), script) as peer:
            yield peer
