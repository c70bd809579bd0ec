"""`parley phone setup`: what it prints is what docs/phone.md says, what it checks is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from api.surfaces.telephony import desks
from gateway import plugins
from gateway.__main__ import main
from gateway.checks.finding import Level
from gateway.checks.sheet import EXAMPLE, names, sheet
from gateway.checks.telephone import about_address, about_settings
from gateway.config import ENVIRONMENT, from_env
from gateway.softphone import readiness, setting_up

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[2] / "docs" / "phone.md").read_text()
SECTIONS = dict(
    re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.split("## Before you begin")[1], re.MULTILINE | re.DOTALL
    )
)


def plain(text: str) -> str:
    """Without marks of style, on one line, in small letters."""
    return re.sub(r"[*`]", "", re.sub(r"\s+", " ", text)).lower()


def test_every_carrier_that_is_answered_has_a_sheet() -> None:
    assert names() == sorted([*plugins.names(desks.__name__), "openai"])


@pytest.mark.parametrize("carrier", names())
def test_a_sheet_says_what_the_page_says(carrier: str) -> None:
    page = sheet(carrier)
    told = plain(SECTIONS[page.section or page.name] + SECTIONS["Calls out"])
    for step in page.steps:
        for word in (step.where, step.way, step.note):
            assert plain(word) in told or all(plain(one) in told for one in word.split(" → ")), word
        for name, value in step.fill.items():
            assert plain(name) in told, name
            for part in value.split(", "):
                assert plain(part) in told, part
        for what, variable in step.copy_.items():
            assert plain(what) in told, what
            assert variable in (*page.needs, *page.some, *page.out)
    for variable in (*page.needs, *page.some, *page.out):
        assert plain(variable) in told, variable
        assert variable in ENVIRONMENT.values()


def test_addresses_are_the_public_ones(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["phone", "setup", "twilio", "--public-url", "https://calls.example.org", "--offline"])
    told = capsys.readouterr().out
    assert code == 1  # no secret is set
    assert "https://calls.example.org/telephony/twilio/voice, HTTP POST" in told
    assert "✗ TWILIO_AUTH_TOKEN: is not set" in told
    assert EXAMPLE not in told


def test_a_secret_is_not_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "not-for-the-screen")
    monkeypatch.setenv("PARLEY_PUBLIC_URL", "https://calls.example.org")
    assert main(["phone", "setup", "twilio", "--offline", "--json"]) == 0
    told = capsys.readouterr().out
    assert "not-for-the-screen" not in told
    found = {one["about"]: one["level"] for one in json.loads(told)["findings"]}
    assert found["TWILIO_AUTH_TOKEN"] == "ok"
    assert found["TWILIO_ACCOUNT_SID"] == "warning"


def test_an_unknown_carrier_is_told_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phone", "setup", "bell"]) == 2
    assert "there is no carrier 'bell'; there is: " in capsys.readouterr().err


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phone", "setup"]) == 0
    told = capsys.readouterr().out
    assert all(f" {name} " in told for name in names())


@pytest.mark.parametrize(
    ("url", "level"),
    [
        (None, Level.FAULT),
        ("http://calls.example.org", Level.FAULT),
        ("https://127.0.0.1:8443", Level.FAULT),
        ("https://calls.example.org", Level.OK),
    ],
)
def test_the_public_address_is_judged(url: str | None, level: Level) -> None:
    assert about_address(from_env({}, public_url=url)).level is level


@pytest.mark.parametrize("carrier", ["asterisk_websocket", "asterisk_audiosocket", "freeswitch"])
def test_a_switch_of_our_own_needs_no_public_address(
    carrier: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in sheet(carrier).needs:
        monkeypatch.setenv(variable, "127.0.0.1:9092" if variable == "PARLEY_AUDIOSOCKET" else "a secret")
    assert main(["phone", "setup", carrier, "--offline"]) == 0
    told = capsys.readouterr().out
    assert "At your switch" in told
    assert "– PARLEY_PUBLIC_URL: is not set" in told


def test_settings_are_judged_by_what_needs_them() -> None:
    settings = from_env({}, telnyx_public_key="a key", twilio_auth_token=SecretStr("secret"))
    levels = {f.about: f.level for f in about_settings(sheet("telnyx"), settings)}
    assert levels.pop("TELNYX_PUBLIC_KEY") is Level.OK
    assert set(levels.values()) == {Level.WARNING}
    assert setting_up.listed(settings).count("✓") == 2


class TestReach:
    """Against servers that answer as ours does, and as broken set-ups do."""

    async def found(self, **answers: int) -> dict[str, Level]:
        async def answer(request: web.Request) -> web.Response:
            kind = request.path.split("/")[-2 if "stream" in request.path else -1]
            upgrade = request.headers.get("Upgrade") == "websocket"
            status = answers.get(kind, 404) if kind != "stream" or upgrade else 426
            return web.Response(status=status)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            found = await readiness.reach("twilio", f"http://127.0.0.1:{port}")
        finally:
            await runner.cleanup()
        return {one.about: one.level for one in found}

    async def test_a_server_that_is_ready(self) -> None:
        found = await self.found(healthz=200, voice=403, stream=403)
        assert found == {"server": Level.OK, "webhook": Level.OK, "media socket": Level.OK}

    async def test_a_server_without_the_secret(self) -> None:
        assert (await self.found(healthz=200, voice=404))["webhook"] is Level.FAULT

    async def test_a_server_that_asks_for_no_proof(self) -> None:
        assert (await self.found(healthz=200, voice=200))["webhook"] is Level.FAULT

    async def test_a_proxy_that_passes_no_sockets_on(self) -> None:
        found = await self.found(healthz=200, voice=403, stream=400)
        assert found["media socket"] is Level.FAULT

    async def test_nobody_there(self, unused_tcp_port: int) -> None:
        (found,) = await readiness.reach("twilio", f"http://127.0.0.1:{unused_tcp_port}")
        assert found.level is Level.FAULT
        assert "cannot be reached" in found.seen
