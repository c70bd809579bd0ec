"""What Telnyx's call control takes (reference 2.2; telnyx.types.calls of the vendor's package 4.189)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.carrier_peers.codecs import ALAW, L16_8K, L16_16K, L16_24K, MULAW, Codec
from tests.carrier_peers.faults import Broken
from tests.carrier_peers.words import words

__all__ = ["ACTIONS", "Refusal", "judged_action", "judged_dial", "stream_mode", "stream_wanted"]

RULE = "telephony 2.2"
_STREAM = """stream_url stream_track stream_codec stream_bidirectional_mode stream_bidirectional_codec
    stream_bidirectional_target_legs"""
_STREAM_MORE = "stream_bidirectional_sampling_rate stream_auth_token custom_parameters"
_RECORD = """record record_channels record_custom_file_name record_format record_max_length record_timeout_secs
    record_track record_trim"""
_HOOK = "webhook_url webhook_url_method webhook_urls webhook_urls_method webhook_retries_policies"
_LEG = """custom_headers sip_headers sip_auth_username sip_auth_password sip_region sip_transport_protocol
    sound_modifications media_encryption media_name audio_url preferred_codecs privacy diversion
    from_display_name park_after_unbridge send_digits_on_answer time_limit_secs timeout_secs
    answering_machine_detection answering_machine_detection_config route_to_mobile"""

DIAL = words(
    f"""connection_id to from client_state command_id billing_group_id link_to bridge_intent bridge_on_answer
    prevent_double_bridge conference_config supervise_call_control_id supervisor_role transcription
    transcription_config stream_establish_before_call_originate send_silence_when_idle retry_on_timeout
    {_STREAM} {_STREAM_MORE} {_RECORD} {_HOOK} {_LEG}"""
)
ACTIONS: dict[str, frozenset[str]] = {
    name: words(f"client_state command_id {fields}")
    for name, fields in {
        "answer": f"billing_group_id custom_headers sip_headers sound_modifications preferred_codecs transcription "
        f"transcription_config send_silence_when_idle {_STREAM} {_STREAM_MORE} {_RECORD} {_HOOK}",
        "hangup": "custom_headers reason",
        "reject": "cause",
        "transfer": f"to from target_leg_client_state early_media mute_dtmf {_RECORD} {_HOOK} {_LEG}",
        "bridge": "call_control_id queue play_ringtone ringtone mute_dtmf park_after_unbridge hold_after_unbridge "
        f"prevent_double_bridge video_room_id video_room_context {_RECORD}",
        "refer": "sip_address custom_headers sip_headers sip_auth_username sip_auth_password",
        "send_dtmf": "digits duration_millis",
        "speak": "payload voice language loop payload_type service_level stop target_legs voice_settings",
        "playback_start": "audio_url audio_type cache_audio loop media_name overlay playback_content stop target_legs",
        "playback_stop": "overlay stop",
        "record_start": "channels format custom_file_name max_length play_beep recording_track timeout_secs trim "
        "transcription transcription_engine transcription_language",
        "record_stop": "recording_id",
        "record_pause": "recording_id",
        "record_resume": "recording_id",
        "streaming_start": f"{_STREAM} {_STREAM_MORE} enable_dialogflow dialogflow_config",
        "streaming_stop": "stream_id",
    }.items()
}
REQUIRED = {
    "reject": ("cause",),
    "transfer": ("to",),
    "bridge": ("call_control_id",),
    "refer": ("sip_address",),
    "send_dtmf": ("digits",),
    "speak": ("payload", "voice"),
    "record_start": ("format", "channels"),
    "streaming_start": ("stream_url",),
}
ONE_OF: dict[str, Collection[object]] = {
    "stream_track": ("inbound_track", "outbound_track", "both_tracks"),
    "stream_codec": ("PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16", "default"),
    "stream_bidirectional_mode": ("mp3", "rtp"),
    "stream_bidirectional_codec": ("PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"),
    "stream_bidirectional_sampling_rate": (8000, 16000, 22050, 24000, 48000),
    "stream_bidirectional_target_legs": ("both", "self", "opposite"),
    "answering_machine_detection": words(
        """premium premium_ios_call_screening_detection detect detect_beep detect_words greeting_end disabled"""
    ),
    "cause": ("CALL_REJECTED", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE", "USER_BUSY"),
    "record": ("record-from-answer",),
    "record_channels": ("single", "dual"),
    "channels": ("single", "dual"),
    "format": ("wav", "mp3"),
    "media_encryption": ("disabled", "SRTP", "DTLS"),
}
NUMBERS = {"timeout_secs": (5, 600), "time_limit_secs": (30, 14400), "duration_millis": (100, 500)}
DIGITS = re.compile(r"[0-9A-D*#wW]+")
PARTY = re.compile(r"\+[1-9]\d{1,14}|sips?:\S+")
LONGEST_TOKEN = 4000
BIDIRECTIONAL: dict[tuple[str, int], Codec] = {
    ("PCMU", 8000): MULAW,
    ("PCMA", 8000): ALAW,
    ("L16", 8000): L16_8K,
    ("L16", 16000): L16_16K,
    ("L16", 24000): L16_24K,
}


class Refusal(Broken):
    """An answer with Telnyx's error JSON."""

    def __init__(self, status: int, code: int, title: str, detail: str, pointer: str = "/") -> None:
        super().__init__(str(code), f"{title}: {detail}", RULE)
        self.status = status
        self._error = {"code": str(code), "title": title, "detail": detail, "source": {"pointer": pointer}}

    @property
    def body(self) -> dict[str, object]:
        return {"errors": [self._error]}


def judged_dial(body: object) -> Mapping[str, Any]:
    """Judge `POST /v2/calls`. Raises Refusal."""
    fields = _object(body, DIAL)
    _required(fields, ("connection_id", "to", "from"))
    for name in ("to", "from"):
        _party(name, fields[name])
    return fields


def judged_action(action: str, body: object) -> Mapping[str, Any]:
    """Judge `POST /v2/calls/{id}/actions/{action}`. Raises Refusal."""
    if action not in ACTIONS:
        raise Refusal(404, 10005, "Resource not found", f"no action {action!r}")
    fields = _object({} if body is None else body, ACTIONS[action])
    _required(fields, REQUIRED.get(action, ()))
    if action == "transfer":
        _party("to", fields["to"])
    if action == "send_dtmf" and not DIGITS.fullmatch(fields["digits"]):
        raise Refusal(422, 10015, "Bad Request", f"digits {fields['digits']!r}", "/digits")
    return fields


def stream_wanted(fields: Mapping[str, Any]) -> Codec | None:
    """The codec that the application will speak on the stream it asks for; None when it asks for none. Raises Refusal
    for one that this carrier cannot play."""
    if "stream_url" not in fields:
        return None
    name = fields.get("stream_bidirectional_codec", "PCMU")
    rate = fields.get("stream_bidirectional_sampling_rate", 8000)
    if (name, rate) not in BIDIRECTIONAL:
        raise Refusal(422, 10015, "Bad Request", f"{name} at {rate} Hz is not played here")
    return BIDIRECTIONAL[name, rate]


def stream_mode(fields: Mapping[str, Any]) -> Literal["rtp", "mp3"]:
    return "rtp" if fields.get("stream_bidirectional_mode") == "rtp" else "mp3"


def _object(body: object, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, 10015, "Bad Request", "not a JSON object")
    for name, value in body.items():
        at = f"/{name}"
        if name not in known:
            raise Refusal(422, 10015, "Bad Request", f"unknown parameter {name!r}", at)
        if name in ONE_OF and (isinstance(value, bool) or value not in ONE_OF[name]):
            raise Refusal(422, 10015, "Bad Request", f"{name} {value!r}", at)
        if name in NUMBERS and not (type(value) is int and NUMBERS[name][0] <= value <= NUMBERS[name][1]):
            raise Refusal(422, 10015, "Bad Request", f"{name} {value!r}", at)
        if name in ("client_state", "target_leg_client_state"):
            _base64(name, value)
        if name == "stream_auth_token" and not (isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN):
            raise Refusal(422, 10015, "Bad Request", "stream_auth_token", at)
        if name == "stream_url" and (urlsplit(str(value)).scheme != "wss"):
            raise Refusal(422, 10003, "Invalid URL", f"stream_url {value!r}", at)
        if name == "webhook_url" and urlsplit(str(value)).scheme not in ("http", "https"):
            raise Refusal(422, 10003, "Invalid URL", f"webhook_url {value!r}", at)
        if name == "custom_parameters":
            _parameters(value)
    return body


def _required(fields: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if not fields.get(name):
            raise Refusal(422, 10004, "Missing required parameter", name, f"/{name}")


def _party(name: str, value: object) -> None:
    if not isinstance(value, str) or not PARTY.fullmatch(value):
        raise Refusal(422, 10016, "Phone number must be in +E.164 format", f"{name} {value!r}", f"/{name}")


def _base64(name: str, value: object) -> None:
    try:
        if not isinstance(value, str) or not b64decode(value, validate=True):
            raise ValueError("empty")  # noqa: TRY301 - one refusal for all
    except (ValueError, binascii.Error):
        raise Refusal(422, 10015, "Bad Request", f"{name} is not base64", f"/{name}") from None


def _parameters(value: object) -> None:
    pairs = value if isinstance(value, list) else [None]
    if not all(isinstance(one, dict) and set(one) == {"name", "value"} for one in pairs):
        raise Refusal(422, 10015, "Bad Request", "custom_parameters is a list of name and value")
