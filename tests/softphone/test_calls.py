"""`parley phone call` against a running server with the embedded engine: what a newcomer types, and what goes wrong."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.checks.finding import Level
from gateway.softphone import readiness
from media.level import dbfs
from tests.caller_audio import caller
from tests.e2e.server import Server, running
from tests.softphone.phone import carrier_calls, phone
from tests.telephony.record import only_call, sessions_of

pytestmark = pytest.mark.integration

PUBLIC = "https://voice.example.test"
SECRET = "a secret of Twilio's"
BOOK = str(caller("dental_01_book"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As a newcomer starts it."""
    with running(
        tmp_path_factory.mktemp("open"), PARLEY_TELEPHONY_OPEN="1", PARLEY_PHONE_PERSONA="dental_reception"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As it stands behind a proxy."""
    with running(
        tmp_path_factory.mktemp("signed"),
        TWILIO_AUTH_TOKEN=SECRET,
        PLIVO_AUTH_TOKEN=SECRET,
        SIGNALWIRE_SIGNING_KEY=SECRET,
        VONAGE_SIGNATURE_SECRET=SECRET,
        PARLEY_PUBLIC_URL=PUBLIC,
    ) as server:
        yield server


def loud_s(path: Path) -> float:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        pcm = file.readframes(file.getnframes())
    return sum(dbfs(pcm[at : at + 320]) > -45 for at in range(0, len(pcm), 320)) * 0.02


async def test_a_recording_is_understood_and_answered(server: Server, tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    ran = await phone("call", "--server", server.url, "--say", BOOK, "--out", str(heard), "--json")
    assert ran.code == 0, ran.out + ran.err
    summary = ran.summary
    assert summary["rules"] == []
    assert summary["greeting_ms"] < 1000
    assert len(summary["reply_ms"]) == 1
    assert summary["marks_played"] + summary["marks_cleared"] == summary["marks"] > 0
    assert loud_s(heard) == pytest.approx(summary["heard_s"], abs=0.5)
    assert loud_s(heard) > 3
    call = only_call(server, carrier_calls(server)[-1])
    assert call.leg == "twilio"
    assert call.ending == "caller/hung-up"
    assert any("appointment" in text.lower() for role, text in call.said if role == "user")
    assert ("call_completed", "completed") in call.events


async def test_speaking_over_the_agent_clears_and_keys_are_told(server: Server) -> None:
    ran = await phone(
        *("call", "--server", server.url, "--persona", "bank_dispute", "--json"),
        *("--barge-in", f"{caller('bargein_stop')}@1.2", "--keys", "4#"),
    )
    assert ran.code == 0, ran.out + ran.err
    assert ran.summary["interruption_ms"] != []
    assert 0 < ran.summary["interruption_ms"][0] < 1500
    assert ran.summary["clears"] >= 1
    assert ran.summary["keys"] == "4#"
    assert only_call(server, carrier_calls(server)[-1]).persona == "bank_dispute"


@pytest.mark.parametrize("carrier", ["plivo", "signalwire", "telnyx", "vonage"])
async def test_other_carriers_are_played_too(server: Server, carrier: str) -> None:
    stop = f"{caller('bargein_stop')}@1"
    ran = await phone(
        "call",
        "--server",
        server.url,
        "--carrier",
        carrier,
        "--barge-in",
        stop,
        "--duration",
        "5",
        "--json",
    )
    assert ran.code == 0, ran.out + ran.err
    assert ran.summary["rules"] == []
    assert len(ran.summary["interruption_ms"]) == 1
    assert ran.summary["marks_played"] > 0
    call = only_call(server, carrier_calls(server)[-1])
    assert (call.leg, call.ending) == (carrier, "caller/hung-up")


@pytest.mark.parametrize(
    ("carrier", "variable"),
    [
        ("plivo", "PLIVO_AUTH_TOKEN"),
        ("signalwire", "SIGNALWIRE_SIGNING_KEY"),
        ("vonage", "VONAGE_SIGNATURE_SECRET"),
    ],
)
async def test_they_sign_as_well(signed: Server, carrier: str, variable: str) -> None:
    with_secret = {variable: SECRET, "PARLEY_PUBLIC_URL": PUBLIC}
    short = ("call", "--server", signed.url, "--carrier", carrier, "--duration", "1.5", "--json")
    ran = await phone(*short, settings=with_secret)
    assert ran.code == 0, ran.out + ran.err
    ran = await phone(*short, settings={**with_secret, variable: "another secret"})
    assert ran.code == 1
    assert ran.summary["failed"].startswith("403: ")


async def test_people_read_what_happens(server: Server) -> None:
    ran = await phone("call", "--server", server.url, "--duration", "3")
    assert ran.code == 0, ran.out + ran.err
    for words in (
        "+15550100001 calls +15550100002 over Twilio (unsigned: TWILIO_AUTH_TOKEN is not set)",
        "media socket open after",
        "◀ the agent speaks, ",
        "■ you hung up",
        "rules         none of the carrier's was broken",
    ):
        assert words in ran.out


async def test_ctrl_c_hangs_up(server: Server) -> None:
    ran = await phone("call", "--server", server.url, "--json", interrupt_at="agent-speaks")
    assert ran.code == 0, ran.out + ran.err
    assert ran.summary["ended"] == "you hung up"
    assert only_call(server, carrier_calls(server)[-1]).ending == "caller/hung-up"


async def test_signed_calls_use_the_public_address(signed: Server) -> None:
    ran = await phone(
        *("call", "--server", signed.url, "--duration", "2", "--json"),
        settings={"TWILIO_AUTH_TOKEN": SECRET, "PARLEY_PUBLIC_URL": PUBLIC},
    )
    assert ran.code == 0, ran.out + ran.err
    assert f"connect to {PUBLIC.replace('https', 'wss')}" in ran.of("answer")[0]["text"]
    assert len(sessions_of(signed, carrier_calls(signed)[-1])) == 1


async def test_set_ups_are_seen_from_outside(server: Server, signed: Server) -> None:
    """`parley phone setup` asks servers as they are."""
    ready = {one.about: one.level for one in await readiness.reach("twilio", signed.url)}
    assert ready == {"server": Level.OK, "webhook": Level.OK, "media socket": Level.OK}
    for carrier, webhook in (("jambonz", True), ("genesys", False)):
        *_, last = await readiness.reach(carrier, signed.url, webhook=webhook)
        assert "answers 404" in last.seen, carrier
    *_, last = await readiness.reach("twilio", server.url)
    assert (last.about, last.level) == ("webhook", Level.FAULT)
    assert "takes what is not signed" in last.seen


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"TWILIO_AUTH_TOKEN": "another"},
            "Its TWILIO_AUTH_TOKEN or PARLEY_PUBLIC_URL is another than here",
        ),
        ({"TWILIO_AUTH_TOKEN": SECRET}, "signed was http://127.0.0.1"),
        ({}, "Set TWILIO_AUTH_TOKEN here"),
    ],
    ids=["another-secret", "another-address", "no-secret"],
)
async def test_what_is_not_proved_is_told_clearly(
    signed: Server, settings: dict[str, str], told: str
) -> None:
    before = carrier_calls(signed)
    if settings.get("TWILIO_AUTH_TOKEN") == "another":
        settings = {**settings, "PARLEY_PUBLIC_URL": PUBLIC}
    ran = await phone("call", "--server", signed.url, settings=settings)
    assert ran.code == 1
    assert "✗ 403: " in ran.out
    assert told in ran.out
    assert "another" not in ran.out.replace("is another than here", "")
    assert carrier_calls(signed) == before


async def test_nobody_there_is_told(unused_tcp_port: int) -> None:
    ran = await phone("call", "--server", f"http://127.0.0.1:{unused_tcp_port}")
    assert ran.code == 1
    assert f"nothing listens at http://127.0.0.1:{unused_tcp_port}: start the server" in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--carrier", "bell"], "--carrier bell: that one cannot be played; there is: "),
        (["--say", "no-such.wav"], "no-such.wav: there is no such file"),
        (["--keys", "12x"], "--keys: a telephone has no x"),
        (["--barge-in", "stop.wav"], "is not WAV@SECONDS"),
        (["--server", "127.0.0.1:8080"], "is no address"),
        (["--duration", "-1"], "--duration"),
        (["--duration", "nan"], "--duration"),
        (["--wait", "-1"], "--wait is a number of seconds"),
        (["--barge-in", f"{BOOK}@nan"], "is not WAV@SECONDS"),
    ],
)
async def test_wrong_usage_is_told_before_anybody_is_called(arguments: list[str], told: str) -> None:
    ran = await phone("call", *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert ran.out == ""
