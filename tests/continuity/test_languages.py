"""A call in a language that the embedded engine neither hears nor speaks never gets to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.continuity.health import Health
from gateway.continuity.model import LastingModel
from gateway.engine.lessons import Lessons
from gateway.errors import LANGUAGE_NOT_SPOKEN, LanguageNotSpoken, ModelError
from gateway.ports import Model, ModelSession, ModelSpec
from gateway.providers.embedded.provider import EmbeddedModel
from personas.persona import Persona
from tests.continuity.peer import SESSION
from tests.continuity.provider import Provider
from tests.providers.bench import PERSONA, EchoMind
from tests.providers.speech import QuickEars, QuickVoice

pytestmark = pytest.mark.integration

SPANISH = Persona.model_validate(
    PERSONA.model_dump(
        exclude={"languages", "still_there", "farewell", "bridging", "filler", "putting_through"}
    )
    | {"locale": "es-MX", "language": "Spanish", "recording": "off"}
)
FRENCH = PERSONA.model_copy(update={"locale": "fr-FR", "language": "French"})
IN_TEXT = SESSION | {"output_modalities": ["text"]}


def embedded() -> EmbeddedModel:
    mind = EchoMind()
    return EmbeddedModel(Lessons(QuickEars("hola"), mind.script), QuickVoice(), mind)


def lasting(*models: Model) -> LastingModel:
    return LastingModel(models, Health([model.name for model in models]))


@asynccontextmanager
async def reading(session: ModelSession) -> AsyncIterator[asyncio.Task[None]]:
    """The session with somebody who reads it to its end."""

    async def read() -> None:
        async for _ in session:
            pass

    async with asyncio.TaskGroup() as group:
        task = group.create_task(read())
        yield task
        task.cancel()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


async def turned_to(session: ModelSession, provider: str) -> None:
    await eventually(lambda: session.provider == provider)


async def test_a_spoken_call_goes_to_the_provider_that_speaks_its_language() -> None:
    first = Provider("first")
    model = lasting(embedded(), first)
    assert model.refuses(SPANISH, written=False) is None
    async with model.open(ModelSpec("rtc_1", SPANISH, SESSION)) as session:
        assert session.provider == "first"
    async with model.open(ModelSpec("rtc_2", PERSONA, SESSION)) as session:
        assert session.provider == "embedded"


async def test_at_a_failover_it_stays_with_those_that_do() -> None:
    first, second = Provider("first"), Provider("second")
    async with (
        lasting(first, embedded(), second).open(ModelSpec("rtc_1", SPANISH, SESSION)) as session,
        reading(session),
    ):
        first.session.break_()
        await turned_to(session, "second")
    async with (
        lasting(Provider("third"), embedded()).open(ModelSpec("rtc_1", PERSONA, SESSION)) as session,
        reading(session),
    ):
        # The same outage of an English call: there the engine takes over.
        session._models["third"].session.break_()  # type: ignore[attr-defined]
        await turned_to(session, "embedded")


async def test_where_only_the_engine_is_left_the_next_try_is_the_other_again() -> None:
    first = Provider("first")
    async with (
        lasting(first, embedded()).open(ModelSpec("rtc_1", SPANISH, SESSION)) as session,
        reading(session),
    ):
        broken = first.session
        broken.break_()
        await eventually(lambda: first.session is not broken)
        await turned_to(session, "first")


@pytest.mark.parametrize(
    ("persona", "session", "says"),
    [
        (SPANISH, SESSION, "hears and speaks English only"),
        (FRENCH, SESSION, "does not know"),
        (FRENCH, IN_TEXT, "does not know"),
    ],
)
async def test_with_the_engine_alone_the_call_ends_before_a_word(
    persona: Persona, session: object, says: str
) -> None:
    model = lasting(embedded())
    with pytest.raises(LanguageNotSpoken, match=says) as refused:
        async with model.open(ModelSpec("rtc_1", persona, session, realtime=False)):  # type: ignore[arg-type]
            pass
    assert refused.value.ending == LANGUAGE_NOT_SPOKEN
    with pytest.raises(LanguageNotSpoken, match=says):
        async with embedded().open(ModelSpec("rtc_1", persona, session, realtime=False)):  # type: ignore[arg-type]
            pass
    assert issubclass(LanguageNotSpoken, ModelError)


async def test_in_text_the_engine_holds_it_and_a_microphone_is_never_text() -> None:
    model = lasting(embedded())
    assert model.refuses(SPANISH, written=True) is None
    async with model.open(ModelSpec("rtc_1", SPANISH, IN_TEXT, realtime=False)) as session:
        assert session.provider == "embedded"
    with pytest.raises(LanguageNotSpoken):
        async with model.open(ModelSpec("rtc_2", SPANISH, IN_TEXT, realtime=True)):
            pass
