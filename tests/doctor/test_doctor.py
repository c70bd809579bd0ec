"""Each fault the doctor knows is made, and found, with what to do about it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.checks.agents import check_media, check_personas
from gateway.checks.data import check_database, check_folder, check_redis
from gateway.checks.finding import Finding, Level, fault, ok, warning
from gateway.checks.keys import check_keys
from gateway.checks.machine import check_clock, check_files, check_memory, check_native, check_python
from gateway.checks.network import check_ice, check_port, check_upstreams
from gateway.checks.prices import check_prices
from gateway.checks.speech import check_speech, judge_engines
from gateway.checks.telephone import check_telephone
from gateway.config import Settings
from gateway.doctor import exit_code, main, report
from gateway.speech.active import Finding as Engine
from gateway.stores.migrate import upgrade
from gateway.stores.urls import parse_url

pytestmark = pytest.mark.integration


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def only(findings: list[Finding], about: str) -> Finding:
    (found,) = [finding for finding in findings if finding.about == about]
    return found


# ── the machine ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_python_is_a_fault() -> None:
    assert check_python((3, 10, 4)).level is Level.FAULT
    assert check_python().level is Level.OK


def test_what_was_not_compiled_is_a_warning() -> None:
    found = check_native(["voice"])
    assert (found.level, "not compiled: voice" in found.seen) == (Level.WARNING, True)
    assert "gcc" in found.mend
    found = check_native([], ["voice"])
    assert found.level is Level.WARNING
    assert "make install" in found.mend
    assert check_native([], []).level is Level.OK


def test_little_memory_is_a_warning(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 999999 kB\nMemAvailable: 204800 kB\n")
    found = only(check_memory(settings(), meminfo), "memory")
    assert (found.level, "200 MiB free" in found.seen) == (Level.WARNING, True)
    meminfo.write_text("MemAvailable: 20480000 kB\n")
    assert only(check_memory(settings(), meminfo), "memory").level is Level.OK
    assert not [one for one in check_memory(settings(), tmp_path / "none") if one.about == "memory"]


def test_few_open_files_are_a_warning() -> None:
    assert check_files(settings(max_calls=500), limit=1024).level is Level.WARNING
    assert check_files(settings(max_calls=50), limit=1024).level is Level.OK


async def test_the_clock_runs() -> None:
    assert (await check_clock()).level is Level.OK


async def test_a_stepping_clock_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((1_800_000_000.0, 1_800_000_000.0, 1_800_000_009.0))
    monkeypatch.setattr("gateway.checks.machine.time.time", lambda: next(times))
    assert (await check_clock()).level is Level.WARNING


# ── the telephone ─────────────────────────────────────────────────────────────────────────────────────────


def test_no_carrier_is_well() -> None:
    (found,) = check_telephone(settings(openai_api_key="sk-x", asterisk_secret=None))
    assert (found.level, "no carrier" in found.seen) == (Level.OK, True)


def test_a_carrier_that_is_set_up_wants_the_public_url() -> None:
    twilio, address = check_telephone(settings(twilio_auth_token="token"))
    assert (twilio.level, twilio.seen) == (Level.OK, "Twilio is set up")
    assert (address.level, "PARLEY_PUBLIC_URL" in address.seen) == (Level.WARNING, True)
    (twilio,) = check_telephone(
        settings(
            twilio_auth_token="token",
            twilio_account_sid="AC1",
            twilio_phone_number="+15550100002",
            public_url="https://voice.example.com",
        )
    )
    assert twilio.seen == "Twilio is set up, for calls out too"


def test_a_carrier_that_is_set_up_by_half_is_told_with_what_is_missing() -> None:
    (found,) = check_telephone(settings(acs_secret="secret", acs_resource_id="id"))
    assert (found.level, "ACS_CONNECTION_STRING" in found.mend) == (Level.WARNING, True)
    found, _ = check_telephone(settings(twilio_auth_token="token", twilio_account_sid="AC1"))
    assert (found.level, "TWILIO_PHONE_NUMBER" in found.mend) == (Level.WARNING, True)


def test_a_switch_of_our_own_wants_no_public_url() -> None:
    (found,) = check_telephone(settings(asterisk_secret="secret"))
    assert (found.level, found.seen) == (Level.OK, "Asterisk is set up")


def test_a_telephone_that_asks_for_no_proof_is_told() -> None:
    (found,) = check_telephone(settings(telephony_open=True))
    assert (found.level, "PARLEY_TELEPHONY_OPEN" in found.seen) == (Level.WARNING, True)


# ── prices ────────────────────────────────────────────────────────────────────────────────────────────────


def test_prices_that_cannot_be_read_are_a_fault(tmp_path: Path) -> None:
    found = only(check_prices(settings(prices=tmp_path / "none.yaml")), "prices")
    assert (found.level, "cannot be read" in found.seen) == (Level.FAULT, True)


def test_a_budget_for_a_model_without_a_price_is_a_warning() -> None:
    assert only(check_prices(settings(budget_usd=1)), "prices").level is Level.OK
    own = {"upstream_url": "ws://127.0.0.1:1", "openai_model": "ours"}
    found = only(check_prices(settings(**own, budget_usd=1)), "prices")
    assert (found.level, "ours of upstream" in found.seen) == (Level.WARNING, True)
    assert only(check_prices(settings(**own)), "prices").level is Level.OK


# ── the network ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_taken_port_names_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = await check_port(settings(port=port))
    assert found.level is Level.FAULT
    assert f"process {os.getpid()}" in found.seen
    assert "PARLEY_PORT" in found.mend


async def test_a_free_port_and_any_port_are_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert (await check_port(settings(port=port))).level is Level.OK
    assert (await check_port(settings(port=0))).level is Level.OK


async def test_a_host_without_address_is_a_fault() -> None:
    assert "PARLEY_HOST" in (await check_port(settings(host="nowhere.invalid", port=8080))).mend


def test_ice_addresses() -> None:
    foreign = check_ice(settings(ice_addresses=("203.0.113.77",)))
    assert (foreign.level, "not an address of this machine" in foreign.seen) == (Level.WARNING, True)
    loopback = check_ice(settings(ice_addresses=("127.0.0.1",)))
    assert (loopback.level, "loopback only" in loopback.seen) == (Level.WARNING, True)


def test_a_machine_with_loopback_only_needs_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: [])
    assert "PARLEY_ICE_ADDRESSES=127.0.0.1" in check_ice(settings()).mend


async def test_an_upstream_that_is_down_is_a_warning() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"ws://127.0.0.1:{port}/v1/realtime"
        (up,) = await check_upstreams(settings(upstream_url=url))
    (down,) = await check_upstreams(settings(upstream_url=url))
    assert (up.level, down.level) == (Level.OK, Level.WARNING)
    assert await check_upstreams(settings()) == []


async def test_every_stage_of_a_cascade_is_looked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        stages = {"cascade_chat_url": url, "cascade_chat_model": "m", "cascade_tts_url": url}
        found = await check_upstreams(settings(**stages))
    assert [one.about for one in found] == ["provider cascade (chat)", "provider cascade (tts)"]
    assert {one.level for one in found} == {Level.OK}
    keys = check_keys(settings(**stages, cascade_chat_key="sk 1"))
    assert only(keys, "cascade chat key").level is Level.WARNING
    assert only(keys, "cascade tts key").level is Level.OK


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_judged_and_never_shown() -> None:
    secret = "hunter2-hunter2"
    found = check_keys(
        settings(host="0.0.0.0", openai_api_key=secret, api_keys=(secret,), signing_key=secret)
    )
    assert only(found, "openai key").level is Level.WARNING
    assert only(found, "server keys").level is Level.WARNING
    assert only(found, "signing key").level is Level.FAULT
    assert only(found, "minting key").level is Level.WARNING
    assert secret not in report(found)


def test_good_keys_are_fine() -> None:
    key = "sk-" + "a1" * 24
    found = check_keys(settings(openai_api_key=key, api_keys=(key,), signing_key=key))
    assert {one.level for one in found} == {Level.OK}


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_data_folder_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert check_folder(settings(data_dir=file)).level is Level.FAULT
    assert check_folder(settings(data_dir=file / "below")).level is Level.FAULT
    assert check_folder(settings(data_dir=tmp_path / "new" / "one")).level is Level.OK
    assert check_folder(settings(data_dir=tmp_path)).level is Level.OK


def test_a_read_only_data_folder_is_a_fault() -> None:
    assert check_folder(settings(data_dir="/proc/parley")).level is Level.FAULT


async def test_the_database_from_nothing_to_newer_than_us(tmp_path: Path) -> None:
    chosen = settings(data_dir=tmp_path)
    assert "will be made" in only(await check_database(chosen), "database").seen
    (tmp_path / "parley.db").touch()
    assert only(await check_database(chosen), "database").level is Level.WARNING
    url = parse_url(f"sqlite:///{tmp_path}/parley.db")
    await upgrade(url)
    assert only(await check_database(chosen), "database").level is Level.OK
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    newer = only(await check_database(chosen), "database")
    assert (newer.level, "newer Parley" in newer.seen) == (Level.FAULT, True)


async def test_a_database_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "parley.db").write_text("this is not SQLite, though it is a file of some length\n" * 40)
    assert only(await check_database(settings(data_dir=tmp_path)), "database").level is Level.FAULT


async def test_a_database_that_is_down_is_a_fault_without_its_password() -> None:
    url = "postgresql://parley:hunter2@127.0.0.1:1/parley"
    found = await check_database(settings(database_url=url))
    assert only(found, "database").level is Level.FAULT
    assert "hunter2" not in report(found)
    assert only(await check_database(settings(database_url="mysql://x")), "database").level is Level.FAULT


# ── ears, voice, agents ───────────────────────────────────────────────────────────────────────────────────


def test_a_redis_that_nothing_uses_is_a_warning() -> None:
    assert not check_redis(settings())
    (found,) = check_redis(settings(redis_url="redis://:secret@localhost"))
    assert found.level is Level.WARNING
    assert "nothing uses it yet" in report([found])
    assert report([found]).startswith("! redis")
    assert "secret" not in report([found])


def test_one_voice_is_enough_and_no_voice_is_a_fault() -> None:
    ears = Engine("ears: pocketsphinx", True, "hears")
    flite, espeak = Engine("voice: flite", False, "install it"), Engine("voice: espeak-ng", True, "speaks")
    levels = [one.level for one in judge_engines((ears, flite, espeak))]
    assert levels == [Level.OK, Level.WARNING, Level.OK]
    mute = judge_engines((ears, flite, Engine("voice: espeak-ng", False, "install it")))
    assert [one.level for one in mute] == [Level.OK, Level.FAULT, Level.FAULT]
    deaf = judge_engines((Engine("ears: pocketsphinx", False, "pip install"), flite, espeak))
    assert deaf[0].level is Level.FAULT


async def test_ears_and_voice_understand_each_other() -> None:
    found = only(await check_speech(settings()), "speech")
    assert found.level is Level.OK, found.seen


async def test_speech_is_not_looked_at_when_not_used() -> None:
    (found,) = await check_speech(settings(providers=("upstream",), upstream_url="ws://127.0.0.1/v1"))
    assert "not needed" in found.seen


async def test_personas_and_media_load() -> None:
    assert [one.level for one in await check_personas(settings())] == [Level.OK, Level.OK]
    assert check_media().level is Level.OK


# ── the report ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_says_what_to_do() -> None:
    findings = [ok("a", "fine"), warning("b", "so so", "do this"), fault("c", "broken", "do that")]
    assert report(findings) == "✓ a: fine\n! b: so so\n    → do this\n✗ c: broken\n    → do that"
    assert (exit_code(findings), exit_code(findings[:2])) == (1, 0)


def test_wrong_settings_are_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"PARLEY_PORT": "seven", "PARLEY_MAX_CALLS": "0"}) == 1
    printed = capsys.readouterr().out
    assert "✗ settings: PARLEY_PORT" in printed
    assert "✗ settings: PARLEY_MAX_CALLS" in printed


def test_the_whole_visit_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code = main({"PARLEY_PORT": str(port), "PARLEY_DATA_DIR": str(tmp_path)}, as_json=True)
    findings = json.loads(capsys.readouterr().out)
    assert code == int(any(one["level"] == "fault" for one in findings))
    assert {"python", "port", "database", "speech", "ice addresses", "clock"} <= {
        one["about"] for one in findings
    }
