"""`parley phone asterisk`: from the command line to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main

pytestmark = pytest.mark.unit

FILES = {"pjsip.conf", "extensions.conf", "websocket_client.conf", "chan_websocket.conf", "rtp.conf"}


def test_files_are_written_for_this_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARLEY_ASTERISK_SECRET", "the-secret-of-this-server")
    monkeypatch.setenv("PARLEY_PUBLIC_URL", "https://voice.example.test")
    out = tmp_path / "made" / "for-it"
    options = ["--out", str(out), "--trunk", "sip.provider.example", "--persona", "dental_reception"]
    assert main(["phone", "asterisk", *options]) == 0
    told = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == FILES
    assert all(str(out / name) in told.out for name in FILES)
    client = (out / "websocket_client.conf").read_text()
    assert "uri = wss://voice.example.test/telephony/asterisk_websocket/stream\n" in client
    assert "password = the-secret-of-this-server\n" in client
    assert "the-secret-of-this-server" not in told.out + told.err
    assert "persona=dental_reception" in (out / "extensions.conf").read_text()
    assert all(path.stat().st_mode & 0o077 == 0 for path in out.iterdir())


def test_nothing_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pjsip.conf").write_text("; of somebody's telephones\n")
    assert main(["phone", "asterisk", "--out", str(tmp_path)]) == 2
    assert "has pjsip.conf already; nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["pjsip.conf"]
    assert (tmp_path / "pjsip.conf").read_text() == "; of somebody's telephones\n"


def test_without_a_folder_they_are_printed_and_a_secret_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    passwords = []
    for _ in range(2):
        assert main(["phone", "asterisk", "--server", "ws://10.0.0.7:8080"]) == 0
        told = capsys.readouterr()
        assert all(f"; {name}:" in told.out for name in FILES)
        assert "set PARLEY_ASTERISK_SECRET to the password in websocket_client.conf" in told.err
        passwords.append([line for line in told.out.splitlines() if line.startswith("password = ")])
    assert len({*passwords[0], *passwords[1]}) == 4


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--persona", "nobody"], "--persona: there is no 'nobody'; there is: "),
        (["--rtp", "many"], "--rtp must be first-last"),
        (["--codec", "opus"], "--codec must be ulaw or alaw"),
        (["--out", "/proc/nowhere/at-all"], "--out: /proc/nowhere/at-all cannot be written"),
    ],
)
def test_faults_are_told(options: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phone", "asterisk", *options]) == 2
    told = capsys.readouterr()
    assert fault in told.err
    assert told.out == ""


def test_an_address_for_everybody_is_no_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARLEY_HOST", "0.0.0.0")
    monkeypatch.setenv("PARLEY_API_KEYS", "key")
    assert main(["phone", "asterisk"]) == 2
    assert "--server: Parley listens on 0.0.0.0" in capsys.readouterr().err
