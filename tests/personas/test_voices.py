"""Which voice an agent has in a session: the tone's, else the scenario's, else its own."""

from __future__ import annotations

import pytest

from personas.composition.composing import Ingredients, compose
from personas.manner import ToneName
from personas.persona import Persona
from personas.scenario import Scenario
from tests.call.harness import persona
from tests.personas.test_catalog import SCENARIO

pytestmark = pytest.mark.unit


def agent() -> Persona:
    return persona(
        default_voice="marin",
        allowed_voices=("marin", "cedar", "sage"),
        tones={"warm": {"voice": "sage"}, "professional": {}},
    )


@pytest.mark.parametrize(
    ("wanted", "tone", "voice"),
    [
        (None, None, "marin"),
        ("cedar", None, "cedar"),
        ("cedar", "professional", "cedar"),
        ("cedar", "warm", "sage"),
        ("verse", None, "marin"),
    ],
    ids=["its own", "the scenario's", "of a tone without one", "the tone's", "not one that it may have"],
)
def test_whose_voice_counts(wanted: str | None, tone: ToneName | None, voice: str) -> None:
    scenario = Scenario.model_validate(SCENARIO | {"agent_voice": wanted, "default_tone": None})
    runtime = compose(Ingredients(agent(), scenario=scenario, tone=tone))
    assert runtime.persona.default_voice == voice
    assert runtime.session["audio"]["output"]["voice"] == voice
