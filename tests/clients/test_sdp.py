from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.sdp import MAX_OFFER, clean_offer, mend_answer
from gateway.errors import LegProtocolError

pytestmark = pytest.mark.unit

OFFERS = Path(__file__).parent / "offers"
"""As Chromium 156 made them."""


def offered(name: str) -> str:
    with (OFFERS / f"{name}.sdp").open(newline="") as file:
        return file.read()


def edit(text: str, *changes: tuple[str, str]) -> str:
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count, pattern
    return text


def refusal(text: str) -> str:
    with pytest.raises(LegProtocolError) as caught:
        clean_offer(text)
    return str(caught.value)


CHROMIUM = offered("chromium")

ANSWER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic:WMS *",
        "m=audio 50000 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 10.0.0.5",
        "a=sendrecv",
        "a=mid:0",
        "a=rtpmap:111 opus/48000/2",
        "a=candidate:1 1 udp 2130706431 10.0.0.5 50000 typ host",
        "a=candidate:2 1 udp 1694498815 198.51.100.7 50000 typ srflx raddr 10.0.0.5 rport 50000",
        "m=application 50000 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 10.0.0.5",
        "a=mid:1",
        "",
    ]
)


@pytest.mark.parametrize("name", [path.stem for path in OFFERS.glob("*.sdp")])
def test_what_browsers_offer_is_accepted(name: str) -> None:
    offer = clean_offer(offered(name))
    parsed = SessionDescription.parse(offer.sdp)
    assert [media.kind for media in parsed.media] == ["audio", "application"]
    assert offer.opus == 111
    assert offer.bundled
    assert offer.max_message == 262144
    assert offer.hears == (name != "chromium_listener")
    assert ".local" not in offer.sdp
    assert "end-of-candidates" not in offer.sdp
    assert len(parsed.media[0].ice_candidates) == (
        0 if name in ("chromium_listener", "chromium_no_candidates") else 2
    )


def test_line_ends_and_trailing_blanks_do_not_matter() -> None:
    assert clean_offer(CHROMIUM.replace("\r\n", "\n")).sdp == clean_offer(CHROMIUM).sdp
    assert clean_offer(CHROMIUM.replace("\r\n", " \r\n")).sdp == clean_offer(CHROMIUM).sdp


def test_attributes_of_the_session_count_for_its_sections() -> None:
    moved = edit(CHROMIUM, (r"^a=(setup|fingerprint|ice-ufrag|ice-pwd).*\r\n", ""))
    moved = edit(
        moved,
        (
            r"^t=0 0",
            "t=0 0\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv"
            f"\r\na=fingerprint:sha-256 {':'.join(['AB'] * 32)}",
        ),
    )
    parsed = SessionDescription.parse(clean_offer(moved).sdp)
    assert {media.ice.usernameFragment for media in parsed.media if media.ice} == {"abcd"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not SDP"),
        ("hello", "not SDP"),
        ("\x00\xff" * 100, "not SDP"),
        (json.dumps({"type": "offer", "sdp": CHROMIUM}), "JSON"),
        ("v=0\r\n" + "a=x\r\n" * MAX_OFFER, "larger than 64 KiB"),
        ("v=0\r\n", "no audio"),
        ("v=0\r\nm=nonsense\r\n", "m= line"),
        ("v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 17, "media sections"),
        (edit(CHROMIUM, (r"^m=audio \d+", "m=video 9")), "video but no audio"),
        (edit(CHROMIUM, (r"^m=audio \d+", "m=audio 0")), "no audio"),
        (edit(CHROMIUM, (r"^m=audio (\d+) UDP/TLS/RTP/SAVPF", r"m=audio \1 RTP/AVP")), "DTLS-SRTP"),
        (edit(CHROMIUM, (r"opus/48000/2", "AMR/8000")), "opus"),
        (edit(CHROMIUM, (r"^m=audio (.*) 111 ", r"m=audio \1 ")), "opus"),
        (edit(CHROMIUM, (r"^a=sendrecv", "a=sendonly")), "could not be heard"),
        (edit(CHROMIUM, (r"^a=sendrecv", "a=inactive")), "could not be heard"),
        (edit(CHROMIUM, (r"^a=rtcp-mux\r\n", "")), "rtcp-mux"),
        (edit(CHROMIUM, (r"^a=mid:.*\r\n", "")), "a=mid"),
        (edit(CHROMIUM, (r"^a=mid:1", "a=mid:0")), "a=mid"),
        (edit(CHROMIUM, (r"^a=ice-ufrag:.*\r\n", "")), "ice-ufrag"),
        (edit(CHROMIUM, (r"^a=ice-pwd:.*", "a=ice-pwd:short")), "ice-pwd"),
        (edit(CHROMIUM, (r"^a=fingerprint:.*\r\n", "")), "fingerprint"),
        (edit(CHROMIUM, (r"^a=fingerprint:.*", "a=fingerprint:md5 AA:BB")), "fingerprint"),
        (edit(CHROMIUM, (r"^a=setup:.*\r\n", "")), "setup"),
        (edit(CHROMIUM, (r"^a=setup:.*", "a=setup:holdconn")), "setup"),
        (edit(CHROMIUM, (r"^a=sctp-port:.*", "a=sctp-port:99999")), "sctp-port"),
    ],
)
def test_what_cannot_be_answered_is_told(text: str, word: str) -> None:
    assert word in refusal(text)


def test_the_data_channel_is_optional() -> None:
    without = CHROMIUM[: CHROMIUM.index("m=application")]
    offer = clean_offer(edit(without, (r"^a=group:BUNDLE 0 1", "a=group:BUNDLE 0")))
    assert offer.channel is None
    assert "m=application" not in offer.sdp


def test_candidates_that_nobody_can_use_are_left_out() -> None:
    bad = [
        "1 1 tcp 1518214911 192.0.2.1 9 typ host tcptype active",
        "2 2 udp 2122194687 192.0.2.1 50000 typ host",
        "3 1 udp 2122194687 1bc0.local 50000 typ host",
        "4 1 udp 99999999999 192.0.2.1 50000 typ host",
        "5 1 udp 2122194687 192.0.2.1 0 typ host",
        "6 1 udp 2122194687 192.0.2.1 70000 typ host",
        "7 1 udp 2122194687 0.0.0.0 50000 typ host",
        "8 1 udp 2122194687 224.0.0.1 50000 typ host",
        "9 1 udp 2122194687 fe80::1%eth0 50000 typ host",
        "a 1 udp 2122194687 192.0.2.1 50000 typ prflx",
        "nonsense",
    ]
    lines = "".join(f"a=candidate:{value}\r\n" for value in bad)
    many = "".join(f"a=candidate:b 1 udp 1 192.0.2.{n} 5000 typ host\r\n" for n in range(1, 200))
    text = edit(
        offered("chromium_no_candidates"),
        (r"^a=mid:0\r\n", f"a=mid:0\r\n{lines}{many}a=end-of-candidates\r\n"),
    )
    found = SessionDescription.parse(clean_offer(text).sdp).media[0]
    assert [c.foundation for c in found.ice_candidates] == ["b"] * 32
    assert not found.ice_candidates_complete


@given(st.data())
def test_noise_is_refused_or_understood(data: st.DataObject) -> None:
    """Whatever is done to an offer, it is refused with a sentence, or what is left of it parses."""
    lines = CHROMIUM.split("\r\n")
    noise = st.one_of(
        st.text(max_size=20), st.sampled_from(lines), st.from_regex(r"[amcv]=[a-z-]+:?[0-9 /a-z]*")
    )
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "replace", "insert", "cut"])):
            case "drop":
                lines.pop(place)
            case "replace":
                lines[place] = data.draw(noise)
            case "insert":
                lines.insert(place, data.draw(noise))
            case _:
                lines[place] = lines[place][: data.draw(st.integers(0, 30))]
        if not lines:
            break
    try:
        offer = clean_offer("\r\n".join(lines))
    except LegProtocolError:
        return
    parsed = SessionDescription.parse(offer.sdp)
    first = 0 if offer.channel is None or offer.audio < offer.channel else 1
    assert parsed.media[first].kind == "audio"


def test_the_answer_says_what_we_like_of_opus_and_never_dtx() -> None:
    answer = mend_answer(ANSWER, clean_offer(CHROMIUM))
    fmtp = "a=fmtp:111 minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0;maxaveragebitrate=32000"
    assert answer.split("\r\n").count(fmtp) == 1
    assert "usedtx" not in answer
    assert answer.index("a=rtpmap:111") < answer.index("a=fmtp:111") < answer.index("m=application")
    assert answer.count("a=msid:") == 1
    assert answer.endswith("\r\n")


def test_a_name_of_the_stream_that_is_there_stays() -> None:
    named = ANSWER.replace("a=mid:0", "a=mid:0\r\na=msid:s t")
    assert re.findall("a=msid:.*", mend_answer(named, clean_offer(CHROMIUM))) == ["a=msid:s t\r"]


def test_other_sections_are_rejected_in_their_places() -> None:
    offer = clean_offer(offered("chromium_video_and_two_audio"))
    answer = SessionDescription.parse(mend_answer(ANSWER.replace("a=mid:1", "a=mid:3"), offer))
    assert [(m.kind, m.port, m.rtp.muxId) for m in answer.media] == [
        ("audio", 50000, "0"),
        ("video", 0, "1"),
        ("audio", 0, "2"),
        ("application", 50000, "3"),
    ]


def test_without_bundle_the_answer_has_none() -> None:
    text = edit(CHROMIUM, (r"^a=group:BUNDLE.*\r\n", ""))
    offer = clean_offer(text)
    assert not offer.bundled
    assert "BUNDLE" not in mend_answer(ANSWER, offer)


def test_host_candidates_are_told_under_their_public_address() -> None:
    answer = mend_answer(ANSWER, clean_offer(CHROMIUM), {"10.0.0.5": "203.0.113.9"})
    assert "a=candidate:1 1 udp 2130706431 203.0.113.9 50000 typ host\r\n" in answer
    assert "198.51.100.7 50000 typ srflx raddr 10.0.0.5" in answer
