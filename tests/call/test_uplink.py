"""In which pieces the caller's audio goes to the model, and that nothing waits whose moment counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.call.inputs import SpeechStarted
from gateway.call.played import PlayedAudio
from gateway.call.uplink import PIECE_MS, QUIET_MS, REST_FRAMES, Uplink
from media.audio import FRAME_MS, PCMU
from tests.media.hearing import TURNS, carried, frames, room, sound

QUIET, SPEECH, MAYBE = False, True, None
FRAMES, QUIET_FRAMES = PIECE_MS // FRAME_MS, QUIET_MS // FRAME_MS


def sent(uplink: Uplink, *heard: bool | None) -> list[int]:
    """Frames of the pieces that go out."""
    pieces = (uplink.handed(bytes(PCMU.frame_bytes), one) for one in heard)
    return [len(piece) // PCMU.frame_bytes for piece in pieces if piece]


def rested() -> Uplink:
    uplink = Uplink(PCMU)
    assert sent(uplink, *[QUIET] * REST_FRAMES) == [1] * REST_FRAMES, (
        "a model may still be about to hear speech"
    )
    return uplink


def test_silence_goes_in_long_pieces_and_the_first_sign_of_speech_at_once() -> None:
    uplink = rested()
    assert sent(uplink, *[QUIET] * 2 * QUIET_FRAMES) == [QUIET_FRAMES, QUIET_FRAMES]
    assert sent(uplink, QUIET, QUIET, MAYBE) == [3]
    assert sent(uplink, QUIET, SPEECH, QUIET) == [1, 1, 1]


def test_within_a_turn_speech_goes_in_long_pieces_and_every_silence_at_once() -> None:
    uplink = rested()
    assert sent(uplink, SPEECH, SPEECH) == [1, 1], "the model is still to hear the onset"
    uplink.told("input_audio_buffer.speech_started")
    assert sent(uplink, *[SPEECH] * FRAMES, SPEECH, QUIET, QUIET, MAYBE) == [FRAMES, 2, 1, 1]
    assert sent(uplink, *[QUIET] * 3 * REST_FRAMES) == [1] * 3 * REST_FRAMES, (
        "however long the silence has to be"
    )
    uplink.told("input_audio_buffer.speech_stopped")
    assert sent(uplink, *[QUIET] * QUIET_FRAMES) == [QUIET_FRAMES]


def test_once_the_model_has_ended_the_turn_silence_goes_in_long_pieces_again() -> None:
    uplink = rested()
    sent(uplink, SPEECH, SPEECH)
    uplink.told("input_audio_buffer.speech_started")
    assert sent(uplink, SPEECH, *[QUIET] * 20) == [2] + [1] * 19
    uplink.told("input_audio_buffer.speech_stopped")
    assert sent(uplink, *[QUIET] * QUIET_FRAMES, MAYBE, QUIET) == [QUIET_FRAMES, 1, 1], (
        "and the next sign of speech at once"
    )


def test_of_a_client_that_plays_itself_nothing_waits() -> None:
    uplink = Uplink(PCMU)
    for kind in ("input_audio_buffer.speech_started", "input_audio_buffer.committed"):
        assert sent(uplink, *[MAYBE] * 100) == [1] * 100
        uplink.told(kind)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([QUIET, SPEECH, MAYBE]),
            st.sampled_from(["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]),
        ),
        max_size=300,
    )
)
def test_no_byte_is_lost_doubled_or_kept_for_longer_than_a_piece(course: list[bool | str | None]) -> None:
    uplink, given_out, took = Uplink(PCMU), b"", b""
    for number, one in enumerate(course):
        if isinstance(one, str):
            uplink.told(one)
            continue
        frame = bytes([number % 256]) * PCMU.frame_bytes
        took += frame
        if number % 3:
            given_out += uplink.handed(frame, one)
        else:  # something was told of it meanwhile
            uplink.push(frame)
            given_out += uplink.handed(b"", one)
        assert took[: len(given_out)] == given_out
        assert len(took) - len(given_out) < PCMU.to_bytes(QUIET_MS)


@pytest.mark.parametrize("name", TURNS[:6])
def test_a_caller_on_the_telephone_reaches_the_model_with_the_frame_that_shows_the_onset(name: str) -> None:
    audio, uplink = PlayedAudio(0, form=PCMU), Uplink(PCMU)
    began, pieces, turn = 0, 0, False
    call = carried(frames(np.concatenate((room(3000), sound(name), room(3000)))), PCMU)
    for number, frame in enumerate(call):
        told = list(audio.hear(frame, number * FRAME_MS / 1000))
        out = bool(uplink.handed(frame, audio.speech))
        if any(isinstance(news, SpeechStarted) for news in told):
            began += 1
            assert out or turn
            turn = True
            uplink.told("input_audio_buffer.speech_started")
        pieces += out
        if turn and not told and audio.speech is False:
            assert out, "each frame of a silence that may end the turn"
    audio.close()
    assert began
    assert pieces < len(call), "and the rest goes in fewer pieces"
