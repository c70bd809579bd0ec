"""The head of a WAV file, as other programs read it."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from media.audio import AudioFormat
from media.wav import HEAD_BYTES, WavError, head, moment, read_head

pytestmark = pytest.mark.unit


def test_pcm_is_read_by_the_standard_library() -> None:
    pcm = np.arange(-800, 800, dtype="<i2").tobytes()
    with wave.open(io.BytesIO(head(AudioFormat(24000), len(pcm)) + pcm)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 24000)
        assert file.readframes(800) == pcm


@pytest.mark.parametrize(("law", "codec"), [("mu", "pcm_mulaw"), ("a", "pcm_alaw"), (None, "pcm_s16le")])
def test_every_kind_is_read_by_ffmpeg(tmp_path: Path, law: None, codec: str) -> None:
    form = AudioFormat(8000, law)
    path = tmp_path / "a.wav"
    path.write_bytes(head(form, 800 * moment(form)) + form.silence * (800 * moment(form)))
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == (codec, 8000, 2)
        assert sum(frame.samples for frame in file.decode(stream)) == 800


def test_what_is_written_is_read_again() -> None:
    for sound in (AudioFormat(24000), AudioFormat(8000), AudioFormat(8000, "mu"), AudioFormat(8000, "a")):
        assert read_head(head(sound, 64)) == sound
        assert len(head(sound, 0)) == HEAD_BYTES


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, head(AudioFormat(24000), 0)[:-1], b"RIFX" + head(AudioFormat(8000), 0)[4:]]
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(WavError):
        read_head(data)
