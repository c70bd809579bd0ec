"""Azure OpenAI's preview Realtime server: old path, old event names, a flat session (sections 14.1 and 14.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from tests.peers.azure import KEY, TOKEN, azure_body, has_key, no_access, no_deployment, not_found
from tests.peers.beta_events import check_client, complaints
from tests.peers.beta_words import event_down, flat, item_up, nested, response_up
from tests.peers.faults import Event
from tests.peers.ids import new_id
from tests.peers.peer import RealtimePeer, serving
from tests.peers.script import Refusal, Script
from tests.peers.session import default_session, merged
from tests.peers.vendor import Upgrade

__all__ = ["DEPLOYMENT", "AzurePreview", "AzurePreviewPeer", "BetaDialect"]

DEPLOYMENT = "voice"
VERSIONS = ("2024-10-01-preview", "2024-12-17", "2025-04-01-preview")
MODEL = "gpt-4o-realtime-preview"


class BetaDialect:
    """Flat sessions and old names at the edge of a conversation that speaks GA."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def session(self, expires_at: int) -> Event:
        session = merged(default_session(new_id("sess"), MODEL, expires_at), self._script.session)
        session["audio"]["output"]["voice"] = "alloy"
        return {**session, "extras": {"temperature": 0.8}}

    def read(self, event: Event) -> Event:
        event = check_client(event)
        if event["type"] == "session.update":
            session = event["session"]
            extras = {key: session[key] for key in ("temperature",) if key in session}
            return {**event, "session": {**nested(session), "extras": extras}}
        if event["type"] == "conversation.item.create":
            return {**event, "item": item_up(event["item"])}
        if event["type"] == "response.create":
            return {**event, "response": response_up(event.get("response") or {})}
        return event

    def tell(self, event: Event) -> Iterator[Event]:
        told = event_down(event)
        if told is None:
            return
        if "session" in told:
            told["session"] = {**flat(told["session"]), **told["session"]["extras"]}
        if told["type"] == "response.done":
            # The beta's usage knows no images.
            for key in ("image_tokens", "cached_tokens_details"):
                del told["response"]["usage"]["input_token_details"][key]
        if told["type"] == "response.function_call_arguments.done":
            del told["name"]
        yield told

    def judge(self, event: Event) -> list[str]:
        return complaints(event)


class AzurePreview:
    """Who may come in: `api-version`, `deployment` and a key."""

    path = "/openai/realtime"

    def __init__(self, script: Script) -> None:
        self._script = script

    def admit(self, upgrade: Upgrade) -> tuple[Refusal, str] | None:
        query = upgrade.query
        if upgrade.path != self.path:
            return not_found(), "14.1, path of the preview"
        if not has_key(upgrade):
            return no_access(), "14.1, api-key or an Entra token"
        if query.get("api-version") not in VERSIONS:
            return not_found(), "14.1, api-version of the preview"
        if query.get("deployment") != DEPLOYMENT:
            return no_deployment(), "14.1, deployment"
        return None

    def body(self, refusal: Refusal) -> Event:
        return azure_body(refusal)

    def dialect(self, upgrade: Upgrade) -> BetaDialect:
        return BetaDialect(self._script)


class AzurePreviewPeer:
    """`async with AzurePreviewPeer.open(script) as peer:`; its key is `KEY`, its Entra token `TOKEN`."""

    key = KEY
    token = TOKEN

    @staticmethod
    @asynccontextmanager
    async def open(script: Script | None = None) -> AsyncIterator[RealtimePeer]:
        script = script or Script()
        async with serving(AzurePreview(script), script) as peer:
            yield peer
