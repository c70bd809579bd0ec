"""`POST /v1/audio/transcriptions` and `/v1/audio/speech`: requests and answers (`openai.types.audio`)."""

from __future__ import annotations

import base64
import io
import struct
import wave
from collections.abc import Iterator
from typing import Any

from openai.types.audio.speech_create_params import SpeechCreateParams
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsBase

from tests.peers.faults import Event, Refused
from tests.peers.sound import pieces
from tests.peers.strict import problems
from tests.peers.usage import heard_usage

__all__ = [
    "check_file",
    "check_form",
    "check_speech",
    "heard_events",
    "speech_events",
    "transcription",
    "wav",
]

FORM_RULE = "openai.types.audio.transcription_create_params"
SPEECH_RULE = "openai.types.audio.speech_create_params"
MAX_FILE = 25 * 2**20
MIN_AUDIO_S = 0.1
ENDINGS = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
ONLY_JSON = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15")
NUMBERS = {"temperature": float}
ARRAYS = ("include", "keywords", "known_speaker_names", "known_speaker_references", "languages")
SILENT_MODELS = ("tts-1", "tts-1-hd")
VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip


# ── transcriptions ────────────────────────────────────────────────────────────────────────────────────────


def check_form(fields: list[tuple[str, str]]) -> Event:
    """The text fields of the form as typed params. Raises Refused."""
    params: Event = {}
    for name, text in fields:
        key = name.removesuffix("[]")
        if name.endswith("[]") or key in ARRAYS:
            params.setdefault(key, []).append(text)
        else:
            params[key] = _typed(key, text)
    stream = params.pop("stream", False)
    found = [one for one in problems(TranscriptionCreateParamsBase, params) if one.param != "file"]
    if found:
        raise Refused(found[0].code, found[0].message, rule=FORM_RULE, param=found[0].param)
    wanted = params.get("response_format", "json")
    if params["model"] in ONLY_JSON and wanted != "json":
        message = f"response_format '{wanted}' is not compatible with model '{params['model']}'. Use 'json' instead."
        raise Refused("unsupported_value", message, rule=FORM_RULE, param="response_format")
    if "timestamp_granularities" in params and wanted != "verbose_json":
        message = "timestamp_granularities need response_format 'verbose_json'."
        raise Refused("invalid_value", message, rule=FORM_RULE, param="timestamp_granularities")
    if len(params.get("language", "en")) > 3:
        message = f"Invalid language '{params['language']}'. Language parameter must be specified in ISO-639-1 format."
        raise Refused("invalid_language_format", message, rule=FORM_RULE, param="language")
    # whisper-1 ignores `stream`.
    return {**params, "stream": stream is True and params["model"] != "whisper-1"}


def _typed(key: str, text: str) -> Any:
    if key == "stream":
        if text not in ("true", "false"):
            raise Refused("invalid_type", "Expected a boolean.", rule=FORM_RULE, param="stream")
        return text == "true"
    try:
        return NUMBERS.get(key, str)(text)
    except ValueError:
        message = f"Invalid type for '{key}': expected a decimal."
        raise Refused("invalid_type", message, rule=FORM_RULE, param=key) from None


def check_file(name: str | None, content: bytes) -> float:
    """Seconds of the WAV. Raises Refused: no file name, an unknown ending, too large, no WAV, too short."""
    ending = (name or "").rpartition(".")[2].lower()
    if ending not in ENDINGS:
        message = f"Unrecognized file format. Supported formats: {list(ENDINGS)}"
        raise Refused("unsupported_file_format", message, rule=FORM_RULE, param="file")
    if len(content) > MAX_FILE:
        raise Refused("file_too_large", "Maximum content size limit (26214400) exceeded.", rule=FORM_RULE)
    try:
        with wave.open(io.BytesIO(content)) as file:
            plain = file.getsampwidth() == 2 and file.getnchannels() in (1, 2)
            seconds: float = file.getnframes() / file.getframerate()
            held = len(file.readframes(file.getnframes()))
            short = held < file.getnframes() * file.getnchannels() * 2
    except (wave.Error, EOFError, struct.error) as error:
        message = f"Audio file might be corrupted or unsupported ({error})"
        raise Refused("invalid_value", message, rule=FORM_RULE, param="file") from None
    if short or not plain:
        message = "The audio file is cut short, or not 16 bit of one or two channels."
        raise Refused("invalid_value", message, rule=FORM_RULE, param="file")
    if seconds < MIN_AUDIO_S:
        message = f"Audio file is too short. Minimum audio length is {MIN_AUDIO_S} seconds."
        raise Refused("audio_too_short", message, rule=FORM_RULE, param="file")
    return seconds


def transcription(params: Event, text: str, seconds: float) -> Event:
    """The JSON answer."""
    return {"text": text, "usage": heard_usage(params["model"], text, seconds * 1000)}


def heard_events(params: Event, text: str, seconds: float) -> Iterator[Event]:
    """The events of a streamed transcription."""
    for at, word in enumerate(text.split(" ")):
        yield {"type": "transcript.text.delta", "delta": word if at == 0 else f" {word}"}
    used = heard_usage(params["model"], text, seconds * 1000)
    yield {"type": "transcript.text.done", "text": text, "usage": used}


# ── speech ────────────────────────────────────────────────────────────────────────────────────────────────


def check_speech(body: Event) -> None:
    """Raises Refused with the first thing that is wrong."""
    found = problems(SpeechCreateParams, body)
    if found:
        raise Refused(found[0].code, found[0].message, rule=SPEECH_RULE, param=found[0].param)
    if not body["input"].strip():
        message = "Invalid 'input': empty string. Expected a string with minimum length 1."
        raise Refused("empty_string", message, rule=SPEECH_RULE, param="input")
    if len(body["input"]) > 4096:
        message = "Invalid 'input': string too long. Expected a string with maximum length 4096."
        raise Refused("string_above_max_length", message, rule=SPEECH_RULE, param="input")
    if isinstance(body["voice"], str) and body["voice"] not in VOICES:
        message = f"Invalid value: '{body['voice']}'. Supported values are: {', '.join(VOICES)}."
        raise Refused("invalid_value", message, rule=SPEECH_RULE, param="voice")
    if not 0.25 <= body.get("speed", 1) <= 4:
        message = "Invalid 'speed': expected 0.25 to 4."
        raise Refused("invalid_value", message, rule=SPEECH_RULE, param="speed")
    if body.get("stream_format") == "sse" and body["model"] in SILENT_MODELS:
        message = f"stream_format 'sse' is not supported for {body['model']}."
        raise Refused("unsupported_value", message, rule=SPEECH_RULE, param="stream_format")
    if body.get("response_format", "mp3") not in ("pcm", "wav"):
        message = "This server makes only pcm and wav."
        raise Refused("unsupported_value", message, rule="this peer", param="response_format")


def speech_events(audio: bytes, piece_ms: int, text: str) -> Iterator[Event]:
    """The events of speech as `stream_format: "sse"`."""
    for piece in pieces(audio, piece_ms):
        yield {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
    given, made = len(text) // 4 + 1, len(audio) // 2400
    used = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    yield {"type": "speech.audio.done", "usage": used}


def wav(pcm: bytes, rate: int = 24000) -> bytes:
    """PCM16 mono as a WAV file."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return held.getvalue()
