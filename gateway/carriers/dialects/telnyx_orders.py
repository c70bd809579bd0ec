"""How Telnyx is told to connect a call to our socket: by a command of its API, or by TeXML (reference/telephony.md,
section 2.2)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from gateway.carriers.dialects import twiml
from gateway.wire import Codec, Encoding

__all__ = ["CODECS", "ENCODINGS", "PCMU", "answer", "streaming", "texml"]

PCMU = Encoding(Codec.PCMU, 8000)
CODECS = {Codec.PCMU: "PCMU", Codec.PCMA: "PCMA", Codec.L16: "L16"}
"""As Telnyx calls them; Opus, G.722 and AMR-WB are not asked for."""
ENCODINGS = {
    ("PCMU", 8000): PCMU,
    ("PCMA", 8000): Encoding(Codec.PCMA, 8000),
    **{("L16", rate): Encoding(Codec.L16, rate) for rate in (8000, 16000, 24000, 48000)},
}


def streaming(
    url: str,
    *,
    token: str,
    plays: Encoding = PCMU,
    auth_token: str | None = None,
    command_id: str | None = None,
    target_legs: str | None = None,
) -> dict[str, Any]:
    """The part of a command that connects a call to our socket: of `dial`, and of all others (section 2.2). Only
    `client_state` is documented to be taken by every one of them and told by the stream: the token travels in it.
    `auth_token` is shown at the handshake; `command_id` makes a repetition harmless; `target_legs` says who hears us:
    `self`, `opposite`, `both`. Raises ValueError."""
    twiml.stream_parameters(token, "", "")
    body: dict[str, Any] = {
        "stream_url": twiml.socket_url(url),
        "stream_track": "inbound_track",
        # Telnyx turns A-law into µ-law, and leaves alone what it cannot turn: the start tells.
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": codec_name(plays),
        "stream_bidirectional_sampling_rate": plays.rate,
        "client_state": b64encode(f"{twiml.TOKEN}={token}".encode()).decode(),
    }
    optional = {
        "stream_bidirectional_target_legs": target_legs,
        "stream_auth_token": auth_token,
        "command_id": command_id,
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def answer(
    url: str,
    *,
    token: str,
    caller: str = "",
    called: str = "",
    plays: Encoding = PCMU,
    auth_token: str | None = None,
    command_id: str | None = None,
    target_legs: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body of `/actions/answer`, or of `streaming_start`: as `streaming` has it, and with parameters. Raises
    ValueError."""
    given = twiml.stream_parameters(token, caller, called, parameters)
    body = streaming(
        url,
        token=token,
        plays=plays,
        auth_token=auth_token,
        command_id=command_id,
        target_legs=target_legs,
    )
    return body | {"custom_parameters": [{"name": name, "value": value} for name, value in given.items()]}


def texml(
    url: str,
    *,
    token: str,
    caller: str = "",
    called: str = "",
    plays: Encoding = PCMU,
    action: str | None = None,
    status_callback: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """The TeXML that connects a call to our socket, for numbers with a TeXML application. Raises ValueError."""
    stream = {
        "url": twiml.socket_url(url),
        "track": "inbound_track",
        "codec": "PCMU",
        "bidirectionalMode": "rtp",
        "bidirectionalCodec": codec_name(plays),
        "bidirectionalSamplingRate": str(plays.rate),
        "statusCallback": status_callback,
    }
    return twiml.connect(stream, twiml.stream_parameters(token, caller, called, parameters), action=action)


def codec_name(plays: Encoding) -> str:
    name = CODECS[plays.codec]
    if (name, plays.rate) not in ENCODINGS:
        raise ValueError(f"Telnyx does not play {name} at {plays.rate} samples a second")
    return name
