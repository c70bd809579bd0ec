"""What the workers agree on without asking each other, and who may accept."""

from __future__ import annotations

import os
import secrets
import socket
import uuid

import pytest

from gateway.crew import Crew, Elsewhere, stay
from gateway.workers import mailbox
from gateway.workers.channel import Channel, Gone
from gateway.workers.seat import Seat
from gateway.workers.share import SILENT_S, SLACK, Load, Report, Word, words
from gateway.workers.worker import LONGEST_PAUSE_S, pause_after


@pytest.mark.parametrize("here", range(3))
def test_every_worker_reads_the_same_home_from_an_id(here: int) -> None:
    maker = Crew(here, 3)
    call = f"rtc_{maker.mark(secrets.token_hex(12))}"
    session = maker.mark(str(uuid.uuid4()))
    assert str(uuid.UUID(session)) == session
    for reader in (Crew(number, 3) for number in range(3)):
        assert reader.home_of_call(call) == here
        assert reader.home(session) == here
        assert reader.home_of_name("key") == maker.home_of_name("key")


def test_of_ids_that_another_number_of_workers_made_all_workers_read_one_home() -> None:
    ids = [str(uuid.uuid4()) for _ in range(200)]
    for one in ids:
        assert len({Crew(number, 3).home(one) for number in range(3)}) == 1
    assert {Crew(0, 3).home(one) for one in ids} == {0, 1, 2}


@pytest.mark.parametrize("digits", ["", "zz", "+é", "-1", "𝟙𝟚"])
def test_what_is_no_id_is_at_home(digits: str) -> None:
    home = Crew(1, 2).home(digits)
    assert home in (0, 1)


def test_alone_all_is_at_home_and_ids_are_random_throughout() -> None:
    stay(Crew().home("ff"))
    assert len({Crew().mark(secrets.token_hex(12))[:2] for _ in range(200)}) > 20
    with pytest.raises(Elsewhere) as found:
        stay(1)
    assert found.value.home == 1


def reports(*loads: Load) -> dict[int, Report]:
    """All of now."""
    return {number: Report(load, 0.0) for number, load in enumerate(loads)}


def test_a_worker_above_its_share_stops_accepting() -> None:
    told = words(reports(Load(5), Load(3, 2), Load(3 + SLACK, 1)), 0.0)
    assert told == {0: Word(7, 3, False), 1: Word(9, 1, True), 2: Word(8, 2, True)}


def test_a_worker_that_takes_no_calls_lets_the_others_accept() -> None:
    told = words(reports(Load(2, busy=True), Load(9), Load(9 + SLACK + 1)), 0.0)
    assert [told[number].accept for number in range(3)] == [False, True, False]
    # Where all are busy whoever asks is to hear it.
    told = words(reports(Load(2, busy=True), Load(9, busy=True)), 0.0)
    assert [told[number].accept for number in range(2)] == [True, False]


def test_a_worker_that_tells_nothing_does_not_keep_the_others_from_accepting() -> None:
    late = SILENT_S * 2
    told = words({0: Report(Load(0), 0.0), 1: Report(Load(9), late)}, late)
    assert told[1] == Word(0, 0, True)
    assert all(word.accept for word in words(reports(Load(0), Load(9)), late).values())


def test_workers_that_die_as_they_start_are_replaced_ever_later() -> None:
    pauses = [pause_after(deaths) for deaths in range(30)]
    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_seat_is_the_same_after_its_way_through_a_command_line() -> None:
    seat = Seat(1, 2, (3, 4), 5, 6, (7, 8))
    assert Seat.from_text(seat.to_text()) == seat


async def test_a_connection_goes_from_one_to_another_with_what_was_read() -> None:
    inbox, outbox = mailbox.pair()
    ours, theirs = socket.socketpair()
    read = os.urandom(3_000_000)
    with inbox, outbox, ours:
        await mailbox.deliver(outbox, theirs.fileno(), read)
        theirs.close()
        found = mailbox.received(inbox)
        assert found is not None
        connection, told = found
        with connection:
            assert told == read
            connection.send(b"still open")
            assert ours.recv(99) == b"still open"
        assert mailbox.received(inbox) is None


async def fill(outbox: socket.socket, file: int) -> None:
    for _ in range(100_000):
        await mailbox.deliver(outbox, file, b"x")


async def test_a_box_that_nobody_empties_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "PAUSE_S", 0.0)
    inbox, outbox = mailbox.pair()
    ours, theirs = socket.socketpair()
    with inbox, outbox, ours, theirs:
        with pytest.raises(mailbox.Undeliverable):
            await fill(outbox, theirs.fileno())
        while (one := mailbox.received(inbox)) is not None:
            one[0].close()


async def test_one_side_of_a_channel_asks_and_hears_when_the_other_is_gone() -> None:
    left, right = socket.socketpair()
    told: list[object] = []

    async def answer(message: dict[str, object]) -> object:
        return message["what"]

    async with Channel.open(left, told.append, answer) as one:
        async with Channel.open(right, told.append, answer) as other:
            assert await other.ask({"what": "this"}) == "this"
            one.tell({"news": 1})
            assert await one.ask({"what": "next"}) == "next"
            assert told == [{"news": 1}]
        with pytest.raises(Gone):
            await one.ask({"what": "nobody"})
