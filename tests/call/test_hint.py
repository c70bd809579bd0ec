"""On a phone the model's word that somebody speaks is enough to pause, for a moment."""

from __future__ import annotations

import pytest

from gateway.call.effects import Clear, Pause, Resume
from gateway.call.speech import HINT_S
from tests.call.harness import Bench

pytestmark = pytest.mark.unit


def speaking(*, recalls: bool = True) -> Bench:
    """A reply of eight seconds is being heard; the caller spoke for a second before."""
    bench = Bench(recalls=recalls)
    bench.connect()
    bench.reply("Hello there.", 500)
    bench.run(1.0)
    bench.speak(1.0)
    bench.turn("u1", "tell me a long story")
    bench.reply("one two three four five six seven eight", 8000)
    bench.run(1.0)
    return bench


def hint(bench: Bench) -> None:
    bench.effects.clear()
    bench.report(1000)
    bench.model("input_audio_buffer.speech_started", item_id="u2", audio_start_ms=0)


def test_the_models_word_pauses_at_once() -> None:
    bench = speaking()
    hint(bench)
    assert Pause() in bench.effects
    assert bench.paused


def test_without_the_local_ear_the_reply_goes_on() -> None:
    bench = speaking()
    hint(bench)
    bench.run(HINT_S + 0.1, speech_ms=1000)
    assert not bench.paused
    assert any(isinstance(effect, Resume) for effect in bench.effects)
    assert not any(isinstance(effect, Clear) for effect in bench.effects)


def test_words_that_only_the_model_hears_interrupt_all_the_same() -> None:
    bench = speaking()
    hint(bench)
    bench.run(HINT_S + 0.3)
    bench.turn("u2", "stop it please")
    assert bench.truncated["item_2"] > 0


def test_with_the_local_ear_it_is_a_barge_in_like_any() -> None:
    bench = speaking()
    hint(bench)
    bench.run(0.05)
    bench.speak(1.0)
    assert bench.truncated["item_2"] == pytest.approx(1000, abs=150)
    assert sum(isinstance(effect, Pause) for effect in bench.effects) == 1


def test_a_short_sound_after_the_word_is_weighed_by_itself() -> None:
    bench = speaking()
    hint(bench)
    bench.run(0.05)
    bench.speak(0.3)
    assert bench.truncated == {}
    bench.turn("u2", "uh huh")
    bench.run(3.0)
    assert not bench.paused
    assert bench.truncated == {}


def test_a_browser_is_held_by_the_local_ear_alone() -> None:
    bench = speaking(recalls=False)
    hint(bench)
    assert not bench.paused
