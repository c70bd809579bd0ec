"""What an agent is in a session, over REST: the runtime, the credentials, and the call that they are for agree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.records import profiles
from gateway.config import Settings
from gateway.continuity.health import ProviderState
from gateway.stores.schema import DEFAULT_TENANT
from personas.catalog import Catalog
from personas.experiment import Experiment, Variant
from personas.languages import Languages
from personas.manner import Tone
from personas.scenario import Scenario
from tests.api.handshakes import KEYS
from tests.api.house import CATALOG, OFFER, House, checked, house

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


async def test_what_there_is_not(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        assert "persona" in (await runtime(api, "nobody", 404))["message"]
        assert "tone" in (await runtime(api, "dental_reception", 400, tone="angry"))["message"]
        assert "scenario" in (await runtime(api, "dental_reception", 404, scenarioId="no-such"))["message"]


async def test_a_tone_is_told_over_rest(sqlite_url: str) -> None:
    tones = {"warm": Tone(instructions="Be warm.", voice="cedar", temperature=0.6)}
    nora = CATALOG.personas["dental_reception"]
    nora = nora.model_copy(update={"tones": tones, "allowed_voices": ("marin", "cedar")})
    catalog = replace(CATALOG, personas={**CATALOG.personas, nora.id: nora})
    async with house(sqlite_url, catalog=catalog) as api:
        plain, warm = await runtime(api, nora.id), await runtime(api, nora.id, tone="warm")
        assert (plain["defaultVoice"], plain["temperature"]) == (nora.default_voice, nora.temperature)
        assert (warm["defaultVoice"], warm["temperature"]) == ("cedar", 0.6)
        assert "Be warm." in warm["instructions"]
        assert "Be warm." not in plain["instructions"]


async def test_what_is_recommended_is_for_who_is_not_locked(sqlite_url: str) -> None:
    for locked, recommended in ((True, []), (False, ["es"])):
        languages = Languages(
            primary="en", supported=("en", "es"), locked=locked, lock_reason="By rule.", recommended=("es",)
        )
        nora = CATALOG.personas["dental_reception"].model_copy(update={"languages": languages})
        catalog = replace(CATALOG, personas={**CATALOG.personas, nora.id: nora})
        async with house(sqlite_url, catalog=catalog) as api:
            told = await runtime(api, nora.id)
            assert told["recommendedLanguages"] == recommended
            assert told["languagePolicy"].get("lockReason") == ("By rule." if locked else None)
            for hint, spoken in (("es-MX", "es"), ("fr", "en" if locked else "fr")):
                granted = await credentials(api, personaId=nora.id, userHintLanguage=hint)
                assert granted["effectiveLanguage"] == spoken


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


async def test_a_tone_and_a_profile_reach_the_call(any_database: str) -> None:
    """What the credentials are asked for stays with the session: its runtime and its calls have it, also later ones."""
    async with house(any_database, settings=KEYS, now=NOW) as api:
        mine, acme = (key.secret.get_secret_value() for key in KEYS.server_keys[:2])
        row = await profiles.store(
            api.deps.database, DEFAULT_TENANT, profile_id=profiles.new_id(), persona_id="vet_reception",
            company_name="Hollis Pets", business_description="Cats.", greeting="Hollis Pets, hello.",
            details={"faqs": [{"question": "Parking?", "answer": "Behind."}]}, now=NOW,
        )  # fmt: skip
        wanted: dict[str, Any] = {"personaId": "vet_reception", "tone": "friendly"}
        asked = wanted | {"onboardingProfileId": row.id}

        async def mint(status: int = 200, key: str = "", **body: object) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            answer = await api.client.post("/api/realtime/credentials", json=body, headers=headers)
            return await checked(answer, "POST /api/realtime/credentials", status=status)

        await mint(401, **asked)
        await mint(404, key=acme, **asked)
        await mint(400, **{**wanted, "tone": "icy"})
        told = await mint(key=mine, **asked)
        request = await called(api, told["token"])
        friendly = api.deps.personas["vet_reception"].tones["friendly"].instructions
        for text in (told["fallbackInstructions"], request.persona.instructions):
            assert friendly in text
            assert '- answer 1: "Behind."' in text
        assert request.persona.greeting == "Hollis Pets, hello."
        await profiles.change(
            api.deps.database, DEFAULT_TENANT, row.id, columns={"greeting": "Changed."}, details={}, now=NOW + 1
        )  # fmt: skip
        shown = await runtime(api, "vet_reception", sessionId=request.session_id)
        assert shown["instructions"] == told["fallbackInstructions"]
        assert "Hollis Pets, hello." in shown["greetingInstruction"], "as it was when the session got it"
        again = await mint(sessionId=request.session_id, tone="warm")
        assert friendly not in again["fallbackInstructions"]
        assert '- answer 1: "Behind."' in again["fallbackInstructions"]


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


async def test_a_hint_does_not_move_a_locked_persona(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for hint in ("es-MX", "fr", "en"):
            told = await credentials(api, personaId="dental_reception", userHintLanguage=hint)
            assert (told["effectiveLanguage"], told["languageLocked"]) == ("en", True)
            assert told["transcriptionLanguageCode"] == "en"
            request = await called(api, told["token"])
            assert request.persona.languages.primary == "en"
            api.supervisor.hang_up(api.supervisor.begun[-1][0])


async def test_one_that_is_not_locked_is_called_in_the_language_of_the_hint(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        told = await credentials(api, personaId="assistant", userHintLanguage="fr-CA")
        assert (told["effectiveLanguage"], told["languageLocked"]) == ("fr", False)
        assert told["languageLabels"]["fr"] == "French"
        request = await called(api, told["token"])
        assert (request.persona.languages.primary, request.persona.language) == ("fr", "French")


async def test_a_hint_that_is_no_language_is_refused(sqlite_url: str) -> None:
    async with house(sqlite_url) as api:
        for hint in ("", "english please", "en\n", "x" * 40):
            told = await credentials(api, 400, userHintLanguage=hint)
            assert "userHintLanguage" in told["message"]


def state(name: str, failure: Any, wait_s: float) -> ProviderState:
    return ProviderState(name, failure is None, 0 if failure is None else 1, failure, wait_s)


STATES: tuple[tuple[tuple[ProviderState, ...], int], ...] = (
    ((), 200),
    ((state("openai", "refused", 20.0), state("embedded", None, 0.0)), 200),
    ((state("openai", "unavailable", 0.0),), 200),
    ((state("openai", "unavailable", 20.0),), 503),
    ((state("openai", "unavailable", 20.0), state("azure", "refused", 9.5)), 502),
)


async def test_no_token_is_minted_that_nobody_would_answer(sqlite_url: str) -> None:
    now: list[tuple[ProviderState, ...]] = []
    async with house(sqlite_url, providers=lambda: now[-1]) as api:
        for states, status in STATES:
            now.append(states)
            answer = await api.client.post("/api/realtime/credentials", json={})
            await checked(answer, "POST /api/realtime/credentials", status=status)
            assert answer.headers.get("Retry-After") == {502: "10", 503: "21"}.get(status)


async def test_voice_live_is_told_where_it_answers_first(sqlite_url: str) -> None:
    settings = Settings(providers=("voicelive", "embedded"))
    async with house(sqlite_url, settings=settings, catalog=with_scenarios()) as api:
        told = await credentials(api, personaId="dental_reception")
        assert told["voicePipeline"] == "azure-voice-live"
        assert told["voiceLiveSessionConfig"]["audio"]["output"]["voice"] == "marin"
        assert (await runtime(api, "dental_reception"))["voiceLiveConfig"] == told["voiceLiveSessionConfig"]


def with_scenarios(*scenarios: Scenario) -> Catalog:
    """The catalog with these scenarios and no experiments, by which sessions differ."""
    told = {scenario.slug: scenario for scenario in scenarios}
    return replace(CATALOG, scenarios=told, experiments={})


def story(slug: str, **more: Any) -> Scenario:
    told: dict[str, Any] = {
        "slug": slug, "title": "A story", "industry": "dental", "short_description": "Short.",
        "long_description": "Long.", "agent_set_key": "lab", "company_name": "Hollis Dental",
        "allowed_personas": ["dental_reception", "dental_reception_mx"],
        "parameterization": {"practiceBrand": "Hollis Dental", "specialty": "implants", "loose": [1]},
        "session_tier": "premium", **more,
    }  # fmt: skip
    return Scenario.model_validate(told)


async def test_a_scenario_rebrands_the_runtime_the_credentials_and_the_call(sqlite_url: str) -> None:
    nora = CATALOG.personas["dental_reception"].model_copy(update={"brand": ("Larkfield Dental",)})
    catalog = with_scenarios(story("hollis-story"), story("hollis-lab", visibility="hidden-lab"))
    catalog = replace(catalog, personas={**catalog.personas, nora.id: nora})
    async with house(sqlite_url, catalog=catalog) as api:
        shown = await runtime(api, nora.id, scenarioId="hollis-story")
        assert shown["brandLiteral"] == "Hollis Dental"
        assert "Larkfield" not in shown["instructions"] + shown["greetingInstruction"]
        assert '- specialty: "implants"' in shown["instructions"]
        told = await credentials(api, personaId=nora.id, scenarioId="hollis-story")
        assert (told["fallbackInstructions"], told["sessionTier"]) == (shown["instructions"], "premium")
        persona = (await called(api, told["token"])).persona
        assert persona.greeting is not None
        assert persona.greeting.startswith("Thank you for calling Hollis Dental")
        assert persona.dialogue is not None
        assert "Larkfield" not in persona.dialogue.model_dump_json()
        # Without the scenario the brand stays, and a hidden one is not the public's to try out.
        assert "Larkfield" in (await runtime(api, nora.id))["greetingInstruction"]
    async with house(sqlite_url, catalog=catalog, settings=KEYS) as api:
        await runtime(api, nora.id, 404, scenarioId="hollis-lab")
        server = KEYS.server_keys[0].secret.get_secret_value()
        assert (
            "Hollis" in (await runtime(api, nora.id, key=server, scenarioId="hollis-lab"))["instructions"]
        )


async def test_a_scenario_is_played_by_whom_it_allows_in_the_locale_that_was_asked_for(
    sqlite_url: str,
) -> None:
    async with house(sqlite_url, catalog=with_scenarios(story("hollis-story"))) as api:
        for locale, persona, reason in (
            ("es-MX", "dental_reception_mx", "exact-locale"),
            ("es-ES", "dental_reception_mx", "language-only"),
            ("fr-FR", "dental_reception", "en-us-fallback"),
            (None, "dental_reception", "en-us-fallback"),
        ):
            wish: dict[str, Any] = {} if locale is None else {"requestedLocale": locale}
            told = await credentials(api, scenarioId="hollis-story", **wish)
            assert (told["selectedPersonaId"], told["personaSelectionReason"]) == (persona, reason)
        told = await credentials(api, scenarioId="hollis-story", personaId="dental_reception_mx")
        assert told["personaSelectionReason"] == "preferred-persona"
        assert (told["effectiveLanguage"], told["languageLocked"]) == ("es", True)
        session_id, _key = await api.session(scenarioId="hollis-story", requestedLocale="es-MX")
        told = await credentials(api, sessionId=session_id)
        assert told["selectedPersonaId"] == "dental_reception_mx", "the stored locale counts"
        told = await credentials(api, sessionId=session_id, requestedLocale="en-US")
        assert told["selectedPersonaId"] == "dental_reception", "an explicit one counts more"


async def test_profiles_are_set_up_read_and_changed_by_operators_of_their_tenant(any_database: str) -> None:
    path = "/api/cp/onboarding/fast-start"
    new = {
        "companyName": "Hollis Dental", "businessDescription": "Teeth.", "primaryUseCase": "healthcare",
        "personaId": "dental_reception", "greeting": "Hollis, hello.", "summaryRecipients": ["ops@example.com"],
        "webhook": {"baseUrl": "https://hooks.example.com", "secret": "s3cret"},
    }  # fmt: skip
    mine, acme = (
        {"Authorization": f"Bearer {key.secret.get_secret_value()}"} for key in KEYS.server_keys[:2]
    )
    async with house(any_database, settings=KEYS, now=NOW) as api:
        await checked(await api.client.post(path, json=new), f"POST {path}", status=401)
        for wrong in ({**new, "personaId": "nobody"}, {**new, "primaryUseCase": "farming"}, {}):
            answer = await api.client.post(path, json=wrong, headers=mine)
            await checked(answer, f"POST {path}", status=400)
        made = await checked(
            await api.client.post(path, json=new, headers=mine), f"POST {path}", status=201
        )
        assert "s3cret" not in str(made)
        assert made["item"]["checklist"]["destinationsConfigured"]
        one, named = f"{path}/{made['item']['id']}", f"{path}/{{profileId}}"
        assert await checked(await api.client.get(one, headers=mine), f"GET {named}", status=200) == made
        await checked(await api.client.get(one, headers=acme), f"GET {named}", status=404)
        changed = await api.client.patch(
            one, json={"greeting": "Good day.", "testCallPassed": True}, headers=mine
        )
        item = (await checked(changed, f"PATCH {named}", status=200))["item"]
        assert (item["greeting"], item["companyName"]) == ("Good day.", "Hollis Dental")
        assert item["checklist"]["testCallPassed"]
        listed = await checked(await api.client.get(path, headers=mine), f"GET {path}", status=200)
        assert listed["count"] == 1
        key = mine["Authorization"].removeprefix("Bearer ")
        told = await runtime(api, "dental_reception", key=key, onboardingProfileId=item["id"])
        assert "Good day." in told["greetingInstruction"]


async def test_the_policy_of_the_sessions_tenant_decides_which_tools_there_are(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blocks:
        def __init__(self, tenant: str) -> None:
            self.tenant = tenant

        def withheld(self, _tools: object) -> frozenset[str]:
            return frozenset({"book_appointment"} if self.tenant == "acme" else ())

    async with house(sqlite_url, settings=KEYS) as api:
        monkeypatch.setattr(type(api.deps.runtime), "known", lambda _self, tenant: Blocks(tenant))
        acme = KEYS.server_keys[1].secret.get_secret_value()
        session_id, _key = await api.session(scenarioId="dental-appointment", tenantId="acme")
        for told in (
            await runtime(api, "dental_reception", sessionId=session_id),
            await runtime(api, "dental_reception", key=acme),
        ):
            assert "book_appointment" not in {tool["name"] for tool in told["tools"]}
            surface = told["contextEnvelope"]["layers"]["connectorSurfaceSummary"]
            assert surface.endswith("withheld: book_appointment")
        others = await runtime(api, "dental_reception")
        assert "book_appointment" in {tool["name"] for tool in others["tools"]}
