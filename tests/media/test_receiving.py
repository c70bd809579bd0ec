"""The way from the network to the recogniser: real speech through the real codec over a network that does everything
wrong, measured in audio time. 36 ms of each delay are the network's and the codec's own."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.jitter import JitterBuffer
from media.libopus import Encoder
from media.receiving import AudioReceiver
from tests.media.network import Packet, hear, network, speech, stream

pytestmark = pytest.mark.unit

SAID = speech(20.0)
OWN = 0.0365
"""What the network and the codec cost by themselves, in seconds."""


def losses(share: float, seed: int = 3) -> set[int]:
    dice = Random(seed)
    return {n for n in range(1000) if dice.random() < share}


def added(delays: list[tuple[float, float]], percentile: float) -> float:
    """Seconds beyond the network's and the codec's own."""
    assert len(delays) > 60, "most of the speech is recognised"
    return float(np.percentile([delay for _, delay in delays], percentile)) - OWN


def test_in_order_nothing_waits_and_nothing_is_made_up() -> None:
    heard = hear(network(stream(SAID)), 20)
    delays = heard.delays(SAID)
    assert added(delays, 50) < 0.005
    assert added(delays, 100) < 0.015
    assert heard.receiver.concealed_ms == heard.receiver.recovered_ms == heard.receiver.dropped_ms == 0


@pytest.mark.parametrize("share", [0.01, 0.05])
def test_a_loss_delays_its_neighbour_and_nobody_else(share: float) -> None:
    gone = losses(share)
    heard = hear(network(stream(SAID), lost=gone.__contains__), 20)
    delays = heard.delays(SAID)
    assert heard.receiver.lost == len(gone)
    assert added(delays, 50) < 0.005
    assert added(delays, 95) <= 0.02
    assert added(delays, 100) < 0.045
    assert heard.receiver.delay_ms < 20
    assert len(heard.frames) >= 995


def test_what_was_lost_is_in_the_packet_after_it() -> None:
    """In-band FEC, at a rate at which libopus has room for it: nearer to what was said than what is made up."""
    sent = stream(SAID, fec=20)
    gone = {n for n in range(20, 990) if n % 7 == 0}
    whole = hear(network(sent), 20).pcm.astype(float)
    mended = hear(network(sent, lost=gone.__contains__), 20)
    bare = hear(network(stream(SAID, fec=0), lost=gone.__contains__), 20).pcm.astype(float)
    assert mended.receiver.recovered_ms == 20 * len(gone)
    assert mended.receiver.concealed_ms == 0
    count = 980 * 480

    def wrong(pcm: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        place = np.array([n for n in gone if n < 980])[:, None] * 480 + np.arange(480)[None, :]
        lag = min(
            range(-480, 1441, 480),
            key=lambda lag: abs(pcm[2000 + lag : count] - whole[2000 : count - lag]).sum(),
        )
        return float(np.abs(pcm[place + lag] - whole[place]).mean())

    assert wrong(mended.pcm.astype(float)) < 0.8 * wrong(bare)


def test_a_burst_of_losses_is_bridged_and_time_goes_on() -> None:
    heard = hear(network(stream(SAID), lost=lambda n: n % 100 in (50, 51, 52, 53)), 20)
    assert heard.receiver.recovered_ms >= 20 * 9
    assert added(heard.delays(SAID), 95) < 0.02
    assert len(heard.frames) >= 995


@pytest.mark.parametrize("jitter_ms", [20, 40])
def test_jitter_costs_what_the_late_packet_was_late(jitter_ms: int) -> None:
    heard = hear(network(stream(SAID), jitter_s=jitter_ms / 1000), 20)
    assert added(heard.delays(SAID), 95) < jitter_ms / 1000 + 0.015
    assert heard.receiver.concealed_ms == heard.receiver.dropped_ms == 0


def test_packets_out_of_order_are_sorted_and_waited_for_longer_when_they_come_late() -> None:
    heard = hear(network(stream(SAID), reordered=0.05), 20)
    assert heard.receiver.lost <= 3, "the first teach it to wait"
    assert added(heard.delays(SAID), 50) < 0.005


def test_packets_that_come_twice_count_once() -> None:
    once, twice = hear(network(stream(SAID)), 20), hear(network(stream(SAID), twice=0.3), 20)
    assert [frame for _, frame in twice.frames] == [frame for _, frame in once.frames]


@pytest.mark.parametrize("ppm", [200, -200, 3000, -3000])
def test_a_clock_that_is_off_does_not_drift_away(ppm: float) -> None:
    heard = hear(network(stream(SAID), ppm=ppm), 20)
    delays = heard.delays(SAID, ppm=ppm)
    assert added(delays, 95) < 0.03
    assert added(delays[-10:] * 11, 50) < 0.025
    assert heard.ahead < 1e-6


@pytest.mark.parametrize("begins", [2.0, 3.0, 4.5, 7.0, 8.1, 11.0])
def test_after_a_stall_the_words_are_whole_and_the_delay_is_gone(begins: float) -> None:
    heard = hear(network(stream(SAID), stalls=((begins, begins + 0.3),)), 20)
    delays = heard.delays(SAID)
    assert added([delay for delay in delays if not begins < delay[0] < begins + 0.6], 95) < 0.02
    assert added(delays, 100) < 0.3
    assert heard.receiver.delay_ms < 20
    # What was made up, in a pause, went out again for what came late.
    assert abs(heard.receiver.concealed_ms - heard.receiver.dropped_ms) <= 60
    whole = len(hear(network(stream(SAID)), 20).delays(SAID))
    assert len(delays) >= whole - 2, "no word is missing"


def test_after_a_long_stall_the_delay_is_won_back() -> None:
    heard = hear(network(stream(SAID), stalls=((3.0, 3.8), (8.1, 8.9))), 20)
    delays = heard.delays(SAID)
    assert added([delay for delay in delays if delay[0] > 11], 95) < 0.02
    assert max(delay for at, delay in delays if at > 4.1) - OWN < 0.85
    assert heard.receiver.delay_ms < 20
    assert heard.ahead < 1e-6


def test_everything_at_once() -> None:
    gone = losses(0.01)
    heard = hear(
        network(
            stream(SAID, first=65_300, timestamp=(1 << 32) - 400_000),
            lost=gone.__contains__, jitter_s=0.03, reordered=0.02, twice=0.02, ppm=100, stalls=((5.0, 5.3),),
        ),
        20,
    )  # fmt: skip
    delays = heard.delays(SAID, ppm=100)
    assert added(delays, 50) < 0.03
    assert added(delays[-20:] * 6, 95) < 0.04
    assert heard.ahead < 1e-6


@pytest.mark.parametrize("ms", [2.5, 5, 10, 40, 60])
def test_senders_of_other_packet_times(ms: float) -> None:
    gone = losses(0.01)
    heard = hear(network(stream(SAID, ms), lost=gone.__contains__), 20)
    # A frame may wait in a longer packet for the rest of it to be spoken.
    assert added(heard.delays(SAID), 95) < max(20.0, ms) / 1000
    assert 995 <= len(heard.frames) <= 1000


def test_sequence_and_timestamp_run_over() -> None:
    """`stream` as if it had begun elsewhere."""
    plain = hear(network(stream(SAID)), 20)
    over = hear(network(stream(SAID, first=65_436, timestamp=(1 << 32) - 480_000)), 20)
    assert [frame for _, frame in over.frames] == [frame for _, frame in plain.frames]


def test_a_sender_who_sends_nothing_while_he_is_silent() -> None:
    """Gaps as by DTX (RFC 7587 section 3.1.3): the silence lasts as long as it lasted, and no word is late."""
    sent = stream(SAID)
    packets = [p for n, p in enumerate(sent) if max(abs(x) for x in loudness(n)) > 60 or n % 20 == 0]
    sequence = [replace(p, sequence=n & 0xFFFF) for n, p in enumerate(packets)]
    assert len(sequence) < 0.9 * len(sent)
    heard = hear(network(sequence), 20)
    delays = heard.delays(SAID)
    assert added(delays, 95) < 0.015
    assert 994 <= len(heard.frames) <= 1000
    assert heard.receiver.lost == 0


def loudness(n: int) -> list[int]:
    return [int(sample) for sample in np.frombuffer(SAID[n * 960 : n * 960 + 960], "<i2")]


@pytest.mark.parametrize("same", [True, False], ids=["ssrc kept", "ssrc new"])
def test_a_sender_who_begins_anew(same: bool) -> None:
    """At 10 s with other numbers, as after a page was loaded again."""
    first, second = stream(SAID)[:500], stream(SAID, first=30_000, timestamp=77)[500:]
    packets = [*first, *(replace(p, ssrc=1 if same else 2) for p in second)]
    heard = hear(network(packets), 20)
    delays = heard.delays(SAID)
    assert added(delays, 95) < 0.02
    assert added(delays[-20:] * 6, 95) < 0.02
    assert heard.receiver.lost == 0
    assert len(heard.frames) >= 995


def test_a_clock_that_jumps_under_running_numbers_makes_no_hole() -> None:
    for jump in (1 << 31, -48_000 * 5, 48_000 * 3600):
        sent = [
            replace(p, timestamp=p.timestamp + (jump if n > 500 else 0) & 0xFFFFFFFF)
            for n, p in enumerate(stream(SAID))
        ]
        heard = hear(network(sent), 20)
        assert added(heard.delays(SAID), 95) < 0.03, jump
        assert heard.receiver.delay_ms < 60


def test_nothing_comes() -> None:
    heard = hear([], 2)
    assert {frame for _, frame in heard.frames} == {bytes(960)}
    assert 95 <= len(heard.frames) <= 100


def test_a_speaker_who_is_cut_off_dies_away_and_is_silent_in_time() -> None:
    loud = next(n for n in range(200, 400) if max(loudness(n)) > 3000)
    heard = hear(network(stream(SAID)[:loud]), loud * 0.02 + 1.0)
    silent = [at for at, frame in heard.frames if frame == bytes(960)]
    assert len(heard.frames) * 0.02 >= loud * 0.02 + 0.9
    assert silent[-1] - silent[len(silent) - 20] > 0.3
    end = heard.pcm[loud * 480 - 2000 :].astype(int)
    assert np.abs(np.diff(end)).max() < 0.7 * np.abs(end[:2000]).max() + 3000, "no click"


def test_a_blocked_loop_waits_for_what_is_in_the_socket() -> None:
    receiver, sent = AudioReceiver(), stream(SAID)
    receiver.begin(0.0)
    out = [
        frame for n in range(50) for frame in receiver.packet(n, 960 * n, sent[n].payload, 0.02 * (n + 1))
    ]
    receiver.tick(1.001)
    assert receiver.tick(1.6) == []
    rest = [frame for n in range(50, 80) for frame in receiver.packet(n, 960 * n, sent[n].payload, 1.6)]
    whole = hear([replace(p, arrives_s=0.0) for p in sent[:80]], 0.0)
    assert len(out) + len(rest) == 80
    assert receiver.concealed_ms == receiver.dropped_ms == 0
    assert whole.frames == []


def test_a_suspended_process_does_not_make_up_an_hour() -> None:
    receiver = AudioReceiver()
    receiver.begin(0.0)
    receiver.tick(3600.0)
    assert len(receiver.tick(3600.02)) <= 50
    assert len(receiver.tick(3600.04)) <= 2


def test_what_came_before_the_beginning_is_dropped() -> None:
    receiver, sent = AudioReceiver(), stream(SAID)
    for n in range(500):
        assert receiver.packet(n, 960 * n, sent[n].payload, 0.02 * n) == []
        assert receiver.tick(0.02 * n) == []
    receiver.begin(10.0)
    assert len(receiver.packet(500, 960 * 500, sent[500].payload, 10.02)) == 1


def test_garbage_is_no_audio_and_harms_nobody() -> None:
    clean = network(stream(SAID))
    dice = Random(1)
    dirty = sorted(
        [
            *clean,
            *(
                Packet(p.sequence + 1000 & 0xFFFF, dice.getrandbits(32), b"", 0, p.arrives_s)
                for p in clean[::7]
            ),
        ],
        key=lambda p: p.arrives_s,
    )
    assert [f for _, f in hear(dirty, 20).frames] == [f for _, f in hear(clean, 20).frames]
    broken = [
        replace(p, payload=dice.randbytes(dice.randrange(1, 200))) if n % 5 == 0 else p
        for n, p in enumerate(clean)
    ]
    heard = hear(broken, 20)
    assert 990 <= len(heard.frames) <= 1000


@pytest.mark.parametrize("ms", [20, 60])
def test_a_packet_that_comes_as_expected_is_heard_as_if_it_had_been_sorted(
    ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = losses(0.03)
    sent = network(
        stream(SAID, ms, first=0xFFF0, timestamp=0xFFFFF000), lost=gone.__contains__, jitter_s=0.01,
        reordered=0.02, twice=0.02, stalls=((7.0, 7.3),),
    )  # fmt: skip
    passed = hear(sent, 20)
    monkeypatch.setattr(JitterBuffer, "passes", lambda *_: 0)
    sorted_ = hear(sent, 20)
    assert passed.frames == sorted_.frames
    for figure in ("concealed_ms", "recovered_ms", "dropped_ms", "lost"):
        assert getattr(passed.receiver, figure) == getattr(sorted_.receiver, figure)


SILENCE = Encoder(24_000, 32_000, 0, 0).encode(bytes(960))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF) | st.integers(0, 60),
            st.integers(0, 0xFFFFFFFF) | st.integers(0, 60).map(lambda n: 960 * n),
            st.sampled_from([SILENCE, b"", b"\x78", bytes([0x7B, 6]), bytes([0x0C, 1, 2]), bytes(300)]),
            st.floats(0, 0.2),
            st.integers(1, 2),
        ),
        max_size=80,
    )
)
def test_whatever_comes_time_is_counted_once(events: list[tuple[int, int, bytes, float, int]]) -> None:
    packets, now = [], 0.0
    for sequence, timestamp, payload, gap, ssrc in events:
        now += gap
        packets.append(Packet(sequence, timestamp, payload, now, now, ssrc))
    heard = hear(packets, now + 1)
    assert heard.ahead < 1e-6
    assert heard.behind < 0.6
    assert heard.receiver.delay_ms <= 300 + 60 + 120 + 20
    assert len(heard.frames) >= (now + 1) / 0.02 - 8
