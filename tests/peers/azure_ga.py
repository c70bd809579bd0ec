"""Azure OpenAI's GA Realtime server: OpenAI's protocol at Azure's door (section 14.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.peers.azure import KEY, TOKEN, azure_body, has_key, no_access, no_deployment, not_found
from tests.peers.faults import Event
from tests.peers.openai_ga import GaDialect
from tests.peers.peer import RealtimePeer, serving
from tests.peers.script import Refusal, Script
from tests.peers.vendor import Upgrade

__all__ = ["DEPLOYMENT", "AzureGa", "AzureGaPeer"]

DEPLOYMENT = "voice"


class AzureGa:
    """Who may come in: no `api-version`, `model` names a deployment."""

    path = "/openai/v1/realtime"

    def __init__(self, script: Script) -> None:
        self._script = script

    def admit(self, upgrade: Upgrade) -> tuple[Refusal, str] | None:
        query = upgrade.query
        if upgrade.path != self.path:
            return not_found(), "14.1, path of GA"
        if "api-version" in query:
            return no_access(), "14.1: an api-version gives 401"
        if not has_key(upgrade):
            return no_access(), "14.1, api-key or an Entra token"
        if "openai-beta" in upgrade.headers:
            refusal = Refusal(400, "beta_api_shape_disabled", "The beta shape is not served here.")
            return refusal, "2, OpenAI-Beta: GA clients must not send it"
        if query.get("model") != DEPLOYMENT:
            return no_deployment(), "14.1, model=<deployment>"
        return None

    def body(self, refusal: Refusal) -> Event:
        return azure_body(refusal)

    def dialect(self, upgrade: Upgrade) -> GaDialect:
        return GaDialect(DEPLOYMENT, self._script)


class AzureGaPeer:
    """`async with AzureGaPeer.open(script) as peer:`; its key is `KEY`, its Entra token `TOKEN`."""

    key = KEY
    token = TOKEN

    @staticmethod
    @asynccontextmanager
    async def open(script: Script | None = None) -> AsyncIterator[RealtimePeer]:
        script = script or Script()
        async with serving(AzureGa(script), script) as peer:
            yield peer
