"""What an agent is in a session, over REST: the runtime, the credentials, and the call that they are for agree."""

from __future__ import annotations

from typing import Any

import pytest

from api.records import profiles
from gateway.config import Settings
from gateway.continuity.health import ProviderState
from gateway.stores.schema import DEFAULT_TENANT
from personas.experiment import Experiment, Variant
from tests.api.handshakes import KEYS
from tests.api.house import OFFER, House, checked, house

pytestmark = pytest.mark.contract

NOW = 1_800_000_000.0
RUNTIME = "GET /api/personas/{personaId}/runtime"


async def runtime(
    api: House, persona: str, status: int = 200, key: str = "", **query: Any
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = await api.client.get(f"/api/personas/{persona}/runtime", params=query, headers=headers)
    return await checked(answer, RUNTIME, status=status)


async def credentials(api: House, status: int = 200, **body: object) -> dict[str, Any]:
    answer = await api.client.post("/api/realtime/credentials", json=body)
    return await checked(answer, "POST /api/realtime/credentials", status=status)


async def called(api: House, token: str) -> Any:
    """The request of the call that this token opens."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with api.client.post("/v1/realtime/calls", data=OFFER, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    return api.supervisor.begun[-1][2]


async def test_every_persona_has_a_runtime_of_the_contract(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for persona in api.deps.personas.values():
            told = await runtime(api, persona.id)
            assert told["languagePolicy"]["primary"] in told["languagePolicy"]["supported"]
            assert told["contextEnvelope"]["schemaVersion"] == "v2"
            assert len(told["contextEnvelope"]["layers"]["policyFingerprint"]) == 64
            assert [tool["name"] for tool in told["tools"]] == list(persona.tools)
            assert "promptProfileExperiment" not in told


@pytest.mark.parametrize(
    ("persona", "query", "status", "names"),
    [
        ("nobody", {}, 404, "persona"),
        ("dental_reception", {"tone": "angry"}, 400, "tone"),
        ("dental_reception", {"scenarioId": "no-such"}, 404, "scenario"),
    ],
)
async def test_what_there_is_not(
    sqlite_url: str, persona: str, query: dict[str, str], status: int, names: str
) -> None:
    async with house(sqlite_url) as api:
        told = await runtime(api, persona, status, **query)
        assert names in told["message"]


async def test_a_profile_is_for_servers_of_its_tenant(sqlite_url: str) -> None:
    async with house(sqlite_url, settings=KEYS) as api:
        row = await profiles.store(
            api.deps.database, DEFAULT_TENANT, profile_id=profiles.new_id(), persona_id="dental_reception",
            company_name="Hollis Dental", business_description="Teeth.", greeting="Hollis, hello.",
            details={"faqs": [{"question": "Parking?", "answer": "Behind."}], "notes": "secret notes"}, now=NOW,
        )  # fmt: skip
        asked: dict[str, Any] = {"onboardingProfileId": row.id}
        await runtime(api, "dental_reception", 401, **asked)
        await runtime(api, "dental_reception", 401, key="wrong", **asked)
        mine, acme = (key.secret.get_secret_value() for key in KEYS.server_keys[:2])
        told = await runtime(api, "dental_reception", key=mine, **asked)
        assert '- answer 1: "Behind."' in told["instructions"]
        assert "Hollis, hello." in told["greetingInstruction"]
        assert "secret notes" not in str(told)
        await runtime(api, "dental_reception", 404, key=acme, **asked)
        await runtime(api, "dental_reception", 404, key=mine, onboardingProfileId="nothing")


async def test_the_credentials_the_runtime_and_the_call_agree(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Experiment(
        id="openers",
        personas=("dental_reception",),
        variants=(Variant(id="short", greeting="Hi!"), Variant(id="long", instructions="Take your time.")),
    )
    monkeypatch.setattr("personas.catalog.Catalog.experiment_of", lambda _self, _persona: trial)
    async with house(sqlite_url, now=NOW) as api:
        seen = set()
        shown: dict[str, Any] = {}
        for _ in range(2):
            session_id, _key = await api.session(scenarioId="dental-appointment")
            told = await credentials(api, sessionId=session_id)
            shown = await runtime(api, "dental_reception", sessionId=session_id)
            assert shown["instructions"] == told["fallbackInstructions"]
            assert shown == await runtime(api, "dental_reception", sessionId=session_id), "for ever"
            request = await called(api, told["token"])
            assert request.persona.instructions.strip() in told["fallbackInstructions"]
            assert (request.persona.greeting == "Hi!") is (
                shown["promptProfileExperiment"]["variantId"] == "short"
            )
            seen.add(shown["promptProfileExperiment"]["assignmentHash"])
            api.supervisor.hang_up(api.supervisor.begun[-1][0])
        assert len(seen) == 2
        assert shown["promptProfileExperiment"]["assignedAt"] == "2027-01-15T08:00:00Z"


async def test_the_credentials_have_every_field_of_the_contract(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        told = await credentials(api, personaId="dental_reception", userHintLanguage="en-GB")
        assert set(told) == {
            "token", "expiresAt", "webrtcUrl", "transcriptionModel", "realtimeDeployment", "sessionTier",
            "fallbackInstructions", "fallbackVoice", "selectedPersonaId", "selectedPersonaLocale",
            "personaSelectionReason", "effectiveLanguage", "transcriptionLanguageCode", "languageLocked",
            "lockReason", "supportedLanguages", "languageLabels", "languagePolicyInstructions", "voicePipeline",
            "wsUrl",
        }  # fmt: skip
        assert told["voicePipeline"] == "azure-openai-realtime"


@pytest.mark.parametrize("hint", ["es-MX", "fr", "en"])
async def test_a_hint_does_not_move_a_locked_persona(sqlite_url: str, hint: str) -> None:
    async with house(sqlite_url) as api:
        told = await credentials(api, personaId="dental_reception", userHintLanguage=hint)
        assert (told["effectiveLanguage"], told["languageLocked"]) == ("en", True)
        assert told["transcriptionLanguageCode"] == "en"
        request = await called(api, told["token"])
        assert request.persona.languages.primary == "en"


async def test_one_that_is_not_locked_is_called_in_the_language_of_the_hint(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        told = await credentials(api, personaId="assistant", userHintLanguage="fr-CA")
        assert (told["effectiveLanguage"], told["languageLocked"]) == ("fr", False)
        assert told["languageLabels"]["fr"] == "French"
        request = await called(api, told["token"])
        assert (request.persona.languages.primary, request.persona.language) == ("fr", "French")


@pytest.mark.parametrize("hint", ["", "english please", "en\n", "x" * 40])
async def test_a_hint_that_is_no_language_is_refused(sqlite_url: str, hint: str) -> None:
    async with house(sqlite_url) as api:
        told = await credentials(api, 400, userHintLanguage=hint)
        assert "userHintLanguage" in told["message"]


def state(name: str, failure: Any, wait_s: float) -> ProviderState:
    return ProviderState(name, failure is None, 0 if failure is None else 1, failure, wait_s)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ((), 200),
        ((state("openai", "refused", 20.0), state("embedded", None, 0.0)), 200),
        ((state("openai", "unavailable", 0.0),), 200),
        ((state("openai", "unavailable", 20.0),), 503),
        ((state("openai", "unavailable", 20.0), state("azure", "refused", 9.5)), 502),
    ],
)
async def test_no_token_is_minted_that_nobody_would_answer(
    sqlite_url: str, states: tuple[ProviderState, ...], status: int
) -> None:
    async with house(sqlite_url, providers=lambda: states) as api:
        answer = await api.client.post("/api/realtime/credentials", json={})
        await checked(answer, "POST /api/realtime/credentials", status=status)
        if status == 502:
            assert answer.headers["Retry-After"] == "10"


async def test_voice_live_is_told_where_it_answers_first(sqlite_url: str) -> None:
    settings = Settings(providers=("voicelive", "embedded"))
    async with house(sqlite_url, settings=settings) as api:
        told = await credentials(api, personaId="dental_reception")
        assert told["voicePipeline"] == "azure-voice-live"
        assert told["voiceLiveSessionConfig"]["audio"]["output"]["voice"] == "marin"
        assert (await runtime(api, "dental_reception"))["voiceLiveConfig"] == told["voiceLiveSessionConfig"]
