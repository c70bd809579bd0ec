"""From the spool to where recordings are kept, and away again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigError, StoreError
from gateway.recordings.keeper import DAY_S
from gateway.recordings.vault import Vault
from media.audio import AudioFormat
from media.wav import HEAD_BYTES, head
from tests.call.harness import persona
from tests.recordings.house import NOW, House, house

pytestmark = pytest.mark.integration


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():  # noqa: ASYNC110 - the disk has no event for it
            await asyncio.sleep(0.02)


async def kept(made: House, count: int) -> None:
    async def enough() -> bool:
        return len(await made.rows()) == count

    await until(enough)


async def test_a_finished_recording_is_kept_and_written_down(any_database: str, tmp_path: Path) -> None:
    async with house(any_database, tmp_path) as made:
        session_id = await made.call("rtc_1")
        await made.record("rtc_1")
        await kept(made, 1)
        (row,) = await made.rows()
        assert (row.tenant, row.session_id, row.key) == ("acme", session_id, "acme/2027-01-15/rtc_1.wav")
        assert (row.encoding, row.rate, row.duration_ms, row.complete) == ("mulaw", 8000, 2000, True)
        assert row.size == HEAD_BYTES + 32000
        path = tmp_path / "recordings" / row.key
        assert path.read_bytes() == head(AudioFormat(8000, "mu"), 32000) + b"\xff" * 32000
        assert await made.keeper.read(row, HEAD_BYTES - 4, 6) == (32000).to_bytes(4, "little") + b"\xff\xff"
        await until(lambda: asyncio.to_thread(lambda: not list((tmp_path / "spool").iterdir())))
        await made.keeper.delete(row)
        assert not path.exists()
        assert await made.rows() == []
        await made.keeper.delete(row)


async def test_what_a_dead_process_left_is_kept_at_the_next_start(sqlite_url: str, tmp_path: Path) -> None:
    async with house(sqlite_url, tmp_path) as made:
        await made.call("rtc_1")
    sound = AudioFormat(24000)
    (tmp_path / "spool" / "rtc_1.part").write_bytes(head(sound, 0) + bytes(96000 + 7))
    (tmp_path / "spool" / "rtc_2.part").write_bytes(b"RIFF")
    (tmp_path / "spool" / "unknown.part").write_bytes(head(sound, 0) + bytes(96000))
    async with house(sqlite_url, tmp_path) as made:
        await kept(made, 1)
        (row,) = await made.rows()
        assert (row.duration_ms, row.complete, row.encoding) == (1000, False, "pcm16")
        await until(lambda: asyncio.to_thread(lambda: len(list((tmp_path / "spool").iterdir())) == 1))
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["unknown.part"]


async def test_a_storage_that_does_not_answer_is_tried_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Vault.put

    def broken(self: Vault, key: str, path: Path) -> None:
        raise StoreError("a recording could not be stored: GenericError")

    async with house(sqlite_url, tmp_path) as made:
        await made.call("rtc_1")
        monkeypatch.setattr(Vault, "put", broken)
        await made.record("rtc_1")
        await until(lambda: asyncio.to_thread(lambda: bool(caplog.messages)))
        assert await made.rows() == []
        monkeypatch.setattr(Vault, "put", real)
        await made.call("rtc_2")
        await made.record("rtc_2")
        await kept(made, 2)
    assert "rtc_" not in caplog.text


async def test_recordings_are_kept_for_so_many_days(any_database: str, tmp_path: Path) -> None:
    async with house(any_database, tmp_path, recordings_days=30) as made:
        await made.call("rtc_1")
        await made.record("rtc_1")
        await kept(made, 1)
        made.clock[0] += 29 * DAY_S
        await made.call("rtc_2")
        await made.record("rtc_2")
        await kept(made, 2)
        await made.keeper.sweep()
        assert len(await made.rows()) == 2
        made.clock[0] = NOW + 31 * DAY_S
        await made.keeper.sweep()
        assert [row.call_id for row in await made.rows()] == ["rtc_2"]
        files = [path.name for path in (tmp_path / "recordings").rglob("*.wav")]
        assert files == ["rtc_2.wav"]


@pytest.mark.parametrize(
    ("which", "mode", "wanted"),
    [("off", "on", False), ("persona", "on", True), ("persona", "off", False), ("all", "off", True)],
)
async def test_who_is_recorded(
    sqlite_url: str, tmp_path: Path, which: str, mode: str, wanted: bool
) -> None:
    async with house(sqlite_url, tmp_path, recording=which) as made:
        assert made.keeper.wanted(persona(recording=mode)) is wanted


def test_a_storage_that_cannot_be_meant_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PARLEY_RECORDINGS_URL"):
        Vault.open("s3://", tmp_path)
