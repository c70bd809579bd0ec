"""Azure's audio stream, answer body and tokens, against what the reference says of them (telephony.md, 5)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gateway.carriers.acs import (
    Stream,
    answer,
    handshake,
    media_streaming,
    validation_reply,
    verify_socket,
    verify_webhook,
)
from gateway.wire import Audio, Codec, Digit, Encoding, Pacing, Started, StreamFault, Unverified

pytestmark = pytest.mark.unit

NOW = 1_760_000_000
CALLER = "4:+15550100001"


def metadata(rate: int = 24000, **changed: Any) -> str:
    described = {
        "subscriptionId": "g",
        "encoding": "PCM",
        "sampleRate": rate,
        "channels": 1,
        "length": rate // 25,
    }
    return json.dumps({"kind": "AudioMetadata", "audioMetadata": {**described, **changed}})


def audio(data: bytes | str | None, at: str = "2026-01-01T00:00:00.020Z", **changed: Any) -> str:
    text = b64encode(data).decode() if isinstance(data, bytes) else data
    described = {"timestamp": at, "participantRawID": CALLER, "data": text, "silent": False}
    return json.dumps({"kind": "AudioData", "audioData": {**described, **changed}})


def started(rate: int = 24000) -> Stream:
    stream = Stream()
    stream.receive(metadata(rate))
    return stream


def test_the_metadata_starts_the_call() -> None:
    wide = Encoding(Codec.L16, 24000)
    assert Stream({"call": "cc-1", "token": "t"}).receive(metadata()) == (
        [Started("g", "cc-1", wide, wide, Pacing(20), parameters={"call": "cc-1", "token": "t"})],
        [],
    )


def test_frames_have_their_place_in_time() -> None:
    stream = started()
    frame = b"\1\0" * 480
    assert stream.receive(audio(frame)) == ([Audio(frame, 0)], [])
    assert stream.receive(audio(frame, "2026-01-01T00:00:00.0400000Z")) == ([Audio(frame, 20)], [])
    assert stream.receive(audio(frame, "2026-01-01T00:01:00.040Z")) == ([Audio(frame, 60020)], [])
    assert stream.receive(audio(frame, "soon")) == ([Audio(frame, None)], [])


@pytest.mark.parametrize("data", [b"\1\0" * 480, bytes(960), "", None])
def test_silent_frames_become_zeros(data: bytes | str | None) -> None:
    assert started().receive(audio(data, silent=True)) == ([Audio(bytes(960), 0)], [])


def test_a_silent_frame_of_another_length_keeps_it() -> None:
    assert started().receive(audio(b"\1\0" * 960, silent=True)) == ([Audio(bytes(1920), 0)], [])


def test_of_an_unmixed_stream_the_first_participant_is_heard() -> None:
    stream = started()
    assert stream.receive(audio(b"\1\0"))[0]
    assert stream.receive(audio(b"\2\0", participantRawID="8:acs:other")) == ([], [])
    assert stream.receive(audio(b"\3\0"))[0]


def test_a_mixed_stream_names_nobody() -> None:
    stream = started()
    for _ in range(2):
        assert stream.receive(audio(b"\1\0", participantRawID=None))[0]


def test_keys() -> None:
    assert started().receive('{"kind":"DtmfData","dtmfData":{"data":"5"}}') == ([Digit("5")], [])
    assert started().receive('{"kind":"DtmfData","dtmfData":{"data":"five"}}') == ([], [])


@pytest.mark.parametrize("message", ['{"kind":"Later"}', "{}", '{"kind":null}'])
def test_what_is_nothing(message: str) -> None:
    assert started().receive(message) == ([], [])


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        b"\0\0",
        metadata(),
        audio("#"),
        audio(b"\1"),
        audio(None),
        '{"kind":"AudioData"}',
        "x" * 200_000,
    ],
)
def test_what_is_a_fault(message: str | bytes) -> None:
    with pytest.raises(StreamFault):
        started().receive(message)


def test_media_before_the_metadata() -> None:
    with pytest.raises(StreamFault, match="before AudioMetadata"):
        Stream().receive(audio(b"\0\0"))


@pytest.mark.parametrize(
    "changed", [{"sampleRate": 8000}, {"channels": 2}, {"encoding": "OPUS"}, {"sampleRate": "16000"}]
)
def test_audio_that_was_not_asked_for(changed: dict[str, Any]) -> None:
    with pytest.raises(StreamFault, match="not asked for"):
        Stream().receive(metadata(**changed))


def test_what_it_is_told() -> None:
    stream = started()
    assert [json.loads(str(one)) for one in stream.play(b"\1\0" * 480)] == [
        {"Kind": "AudioData", "AudioData": {"Data": b64encode(b"\1\0" * 480).decode()}, "StopAudio": None}
    ]
    assert [json.loads(str(one)) for one in stream.clear()] == [
        {"Kind": "StopAudio", "AudioData": None, "StopAudio": {}}
    ]
    assert stream.mark("m") == stream.send_digits("1") == stream.hang_up() == []


def test_the_answer_body() -> None:
    assert answer(
        "wss://voice.example.test/acs/ws",
        token="t",
        incoming_call_context="context",
        callback_url="https://voice.example.test/acs/events",
        caller="+15550100001",
    ) == {
        "incomingCallContext": "context",
        "callbackUri": "https://voice.example.test/acs/events",
        "mediaStreamingOptions": {
            "transportType": "websocket",
            "transportUrl": "wss://voice.example.test/acs/ws?token=t&caller=%2B15550100001",
            "contentType": "audio",
            "audioChannelType": "unmixed",
            "startMediaStreaming": True,
            "enableBidirectional": True,
            "audioFormat": "pcm24KMono",
            "enableDtmfTones": True,
        },
    }
    assert media_streaming("wss://x", rate=16000, mixed=True)["audioFormat"] == "pcm16KMono"
    with pytest.raises(ValueError, match="not 8000"):
        media_streaming("wss://x", rate=8000)
    with pytest.raises(ValueError, match="one-time token"):
        answer("wss://x", token="", incoming_call_context="", callback_url="")


def test_the_handshake_tells_the_call() -> None:
    headers = {"X-MS-Call-Connection-Id": "cc-1"}
    told = {"token": "t", "caller": "+15550100001", "call": "cc-1"}
    assert handshake("wss://voice.example.test/acs/ws?token=t&caller=%2B15550100001", headers) == told
    assert handshake("wss://voice.example.test/acs/ws?call=c", {}) == {"call": "c"}


def test_event_grid_is_answered_once() -> None:
    asked = [
        {
            "id": "1",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "data": {"validationCode": "512d38b6", "validationUrl": "https://example.test"},
        }
    ]
    assert validation_reply(asked) == {"validationResponse": "512d38b6"}


@pytest.mark.parametrize(
    "events",
    [
        None,
        {},
        [],
        [1],
        [{"eventType": "Microsoft.Communication.IncomingCall", "data": {}}],
        [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": 5}}],
        [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent"}],
    ],
)
def test_other_events_are_no_validation(events: object) -> None:
    assert validation_reply(events) is None


KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
KEYS = {"keys": [KEY.as_dict(private=False)]}
OTHER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


URL = "wss://voice.example.test/telephony/acs/stream"


def given(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization}


def token(key: RSAKey = KEY, **changed: Any) -> str:
    claims = {
        "iss": "https://acscallautomation.communication.azure.com",
        "aud": "resource",
        "nbf": NOW - 10,
        "exp": NOW + 86_400,
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return "Bearer " + jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)


def test_a_token_of_azures() -> None:
    verify_webhook("https://x", given(token()), b"[]", keys=KEYS, audience="resource", now=NOW)
    verify_socket(URL, given(token()), keys=KEYS, audience="resource", now=NOW)
    verify_socket(URL, given(token(aud=["other", "resource"])), keys=KEYS, audience="resource", now=NOW)
    verify_socket(URL, given(token(exp=NOW - 59)), keys=KEYS, audience="resource", now=NOW)


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        ("", "no bearer"),
        ("Bearer a.b.c", "not signed"),
        (token(OTHER), "not signed"),
        (
            "Bearer " + jwt.encode({"alg": "HS256"}, {"aud": "resource"}, OctKey.import_key("0" * 32)),
            "not signed",
        ),
        (token(iss="https://example.test"), "somebody other"),
        (token(aud="other"), "another resource"),
        (token(aud=None), "another resource"),
        (token(exp=NOW - 61), "expired"),
        (token(exp=None), "without an end"),
        (token(exp="later"), "expired"),
        (token(nbf=NOW + 61), "not in force"),
    ],
)
def test_a_token_that_proves_nothing(authorization: str, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        verify_socket(URL, given(authorization), keys=KEYS, audience="resource", now=NOW)


@pytest.mark.parametrize(
    "keys", [{}, {"keys": []}, {"keys": None}, {"keys": [7]}, {"keys": [{"kty": "RSA"}]}]
)
def test_keys_that_prove_nothing(keys: dict[str, Any]) -> None:
    with pytest.raises(Unverified):
        verify_socket(URL, given(token()), keys=keys, audience="resource", now=NOW)


def test_without_an_audience_nothing_is_proved() -> None:
    with pytest.raises(Unverified, match="no secret of ours"):
        verify_socket(URL, given(token(aud="")), keys=KEYS, audience="", now=NOW)
