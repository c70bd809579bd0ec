"""The parts that the JSON streams are made of: order, marks, documents."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.dialects.extra_headers import headers_in, headers_out
from gateway.carriers.dialects.marks import Marks
from gateway.carriers.dialects.media import Timeline
from gateway.carriers.dialects.proof import basic, bearer, form, header
from gateway.carriers.dialects.reorder import Reorder
from gateway.carriers.dialects.twiml import refuse, say, socket_url, stream_parameters, transfer
from gateway.carriers.dialects.xml import document, element, text
from gateway.wire import Audio, Codec, Encoding, Unverified

pytestmark = pytest.mark.unit

PCMU = Encoding(Codec.PCMU, 8000)


def frame(number: int) -> bytes:
    return number.to_bytes(4, "big") * 40


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_frames_in_order_are_passed_on_at_once() -> None:
    reorder = Reorder(PCMU)
    assert [reorder.push(n, n * 20, frame(n)) for n in (2, 3, 4)] == [
        [Audio(frame(n), n * 20)] for n in (2, 3, 4)
    ]


def test_two_frames_that_changed_places_change_back() -> None:
    reorder = Reorder(PCMU)
    told = [len(reorder.push(n, n * 20, frame(n))) for n in (1, 3, 2, 4)]
    assert told == [1, 0, 2, 1]


def test_a_lost_frame_is_waited_for_until_three_later_ones_are_there() -> None:
    reorder = Reorder(PCMU)
    told = [[one.at_ms for one in reorder.push(n, n * 20, frame(n))] for n in (1, 3, 4, 5, 2, 6)]
    assert told == [[20], [], [], [60, 80, 100], [], [120]]


def test_numbers_that_leave_gaps_where_time_does_not_are_no_loss() -> None:
    reorder = Reorder(PCMU)
    assert [len(reorder.push(n, at, frame(n))) for n, at in ((1, 0), (3, 20), (5, 40), (7, 60))] == [
        1,
        1,
        1,
        1,
    ]


def test_what_waits_comes_when_nothing_more_will() -> None:
    reorder = Reorder(PCMU)
    for n in (1, 5, 3):
        reorder.push(n, None, frame(n))
    assert reorder.flush() == [Audio(frame(3)), Audio(frame(5))]
    assert reorder.flush() == []


@given(data=st.data())
def test_within_the_window_order_is_whole_again(data: st.DataObject) -> None:
    """Each frame is overtaken by at most two, so by less than what is waited for."""
    count = data.draw(st.integers(1, 30))
    waiting, sent = list(range(2, count + 2)), [1]
    while waiting:
        index = data.draw(st.integers(0, min(2, len(waiting) - 1)))
        # The first may not be overtaken more often than the window is wide.
        if sum(1 for one in sent if one > waiting[0]) >= Reorder.WINDOW - 1:
            index = 0
        sent.append(waiting.pop(index))
    reorder = Reorder(PCMU)
    told = [one for n in sent for one in reorder.push(n, n * 20, frame(n))] + reorder.flush()
    assert told == [Audio(frame(n), n * 20) for n in range(1, count + 2)]


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 900)), max_size=60))
def test_in_any_order_time_never_goes_back_and_little_waits(pushed: list[tuple[int, int | None]]) -> None:
    reorder = Reorder(PCMU)
    told: list[Audio] = []
    for chunk, at in pushed:
        told += reorder.push(chunk, at, frame(chunk))
        assert len(reorder._held) < Reorder.WINDOW
    told += reorder.flush()
    times = [one.at_ms for one in told if one.at_ms is not None]
    assert times == sorted(times)
    assert len({one.data for one in told}) == len(told)


def test_time_stands_still_rather_than_going_back() -> None:
    timeline = Timeline()
    assert [timeline.place({"chunk": n, "timestamp": at}) for n, at in ((1, 40), (2, 20), (3, 60))] == [
        40,
        40,
        60,
    ]
    assert timeline.place({"chunk": 3, "timestamp": 80}) == Timeline.STALE
    epoch = Timeline(epoch=True)
    told = [
        epoch.place({"chunk": n, "timestamp": at})
        for n, at in ((1, "1760000000000"), (2, "1760000000020"), (3, "5"))
    ]
    assert told == [0, 20, 20]


# ── marks ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mark_that_was_cleared_is_not_reached() -> None:
    marks = Marks()
    marks.sent("a")
    marks.sent("b")
    assert marks.reached("a")
    marks.cleared()
    marks.sent("c")
    assert not marks.reached("b")
    assert marks.reached("c")
    assert not marks.reached("never")


def test_a_name_that_is_used_again_waits_for_its_own_echo() -> None:
    marks = Marks()
    marks.sent("a")
    marks.cleared()
    marks.sent("a")
    assert not marks.reached("a")
    assert marks.reached("a")
    marks.sent("b")
    marks.forget()
    assert not marks.reached("b")


def test_marks_without_an_answer_are_bounded() -> None:
    marks = Marks()
    for number in range(3 * Marks.AT_MOST):
        marks.sent(str(number))
        if number == Marks.AT_MOST:
            marks.cleared()
    assert not marks.reached("0")
    assert not marks.reached(str(Marks.AT_MOST + 1))
    assert marks.reached(str(3 * Marks.AT_MOST - 1))


# ── documents ─────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text())
def test_any_text_is_whole_in_a_document(value: str) -> None:
    root = ET.fromstring(document(element("Say", {"voice": value}, text(value))))
    kept = "".join(one for one in value if one in "\t\n\r" or one >= " ")
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    say = root[0]
    assert (say.text or "") == kept
    assert say.get("voice") == kept


def test_a_stream_has_a_token_and_an_address_of_a_socket() -> None:
    with pytest.raises(ValueError, match="token"):
        stream_parameters("", "+1", "+2")
    with pytest.raises(ValueError, match="500"):
        stream_parameters("t", "+1", "+2", {"note": "x" * 500})
    assert stream_parameters("t", "", "+2", {"persona": "dental"}) == {
        "token": "t",
        "called": "+2",
        "persona": "dental",
    }
    for wrong in ("https://h/x", "wss://h/x?a=1", "wss://h/x#a", "wss:///x", ""):
        with pytest.raises(ValueError, match="wss"):
            socket_url(wrong)


def test_documents_that_end_or_move_a_call() -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    assert refuse() == head + '<Response><Reject reason="busy"/></Response>'
    assert refuse(busy=False) == head + '<Response><Reject reason="rejected"/></Response>'
    assert say("We're <closed>.", language="en-US") == (
        head + '<Response><Say language="en-US">We\'re &lt;closed&gt;.</Say><Hangup/></Response>'
    )
    assert transfer(
        "+15550100003", caller_id="+15550100002", action="https://h/a?x=1&y=2", timeout_s=20
    ) == (
        head + '<Response><Dial callerId="+15550100002" action="https://h/a?x=1&amp;y=2" timeout="20">'
        "<Number>+15550100003</Number></Dial></Response>"
    )
    assert "<Sip>sip:anna@pbx.example.test</Sip>" in transfer("sip:anna@pbx.example.test")
    assert "<Client>anna</Client>" in transfer("client:anna")


@given(
    st.dictionaries(
        st.from_regex(r"[a-gi-z][A-Za-z0-9]{0,8}", fullmatch=True),
        st.text(max_size=12).filter(bool),
        max_size=4,
    )
)
def test_what_plivo_carries_comes_back_whole(given_: dict[str, str]) -> None:
    written = headers_out(given_)
    assert all(one.isascii() and (one.isalnum() or one in "=,") for one in written)
    assert headers_in(written) == headers_in(written.replace(",", ";")) == given_


def test_headers_that_plivo_would_not_carry() -> None:
    for name in ("a-b", "", "hexagon", "naïve"):
        with pytest.raises(ValueError, match="letters and digits"):
            headers_out({name: "1"})
    with pytest.raises(ValueError, match="512"):
        headers_out({"a": "1" * 600})
    assert headers_in({"X-PH-token": "abc", "n": 7}) == {"token": "abc"}
    assert headers_in("{token=abc; hexa=zz;;=x}") == {"token": "abc", "hexa": "zz"}
    assert headers_in(7) == headers_in(None) == headers_in("") == {}


# ── proofs ────────────────────────────────────────────────────────────────────────────────────────────────


def test_headers_are_found_in_any_case() -> None:
    assert header({"x-a": " 1 "}, "X-A") == header({"X-A": "1"}, "X-A") == "1"
    assert header({}, "X-A") == ""


def test_tokens_and_passwords() -> None:
    bearer({"Authorization": "Bearer abc"}, "abc")
    basic({"authorization": "Basic dTpw"}, "u:p")
    for headers in (
        {},
        {"Authorization": "Bearer abd"},
        {"Authorization": "abc"},
        {"Authorization": "Basic abc"},
    ):
        with pytest.raises(Unverified):
            bearer(headers, "abc")
        with pytest.raises(Unverified):
            basic(headers, "u:p")
    with pytest.raises(Unverified, match="of ours"):
        bearer({"Authorization": "Bearer "}, "")
    with pytest.raises(Unverified, match="of ours"):
        basic({"Authorization": "Basic dTo="}, "u:")


@given(st.binary(max_size=80))
def test_any_body_is_a_form_or_no_proof(body: bytes) -> None:
    try:
        fields = form(body)
    except Unverified:
        return
    assert all(values for values in fields.values())


def test_a_form_of_too_many_fields_is_no_form() -> None:
    with pytest.raises(Unverified, match="form"):
        form(b"&".join(b"a=%d" % number for number in range(300)))
    assert form(b"b=2&a=1&a=&b=2") == {"b": ["2", "2"], "a": ["1", ""]}
