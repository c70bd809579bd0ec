"""The form parser: what clients send, what nobody should, and what no client could have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.multipart import MOST_PARTS, MultipartFault, Part, parts_of

pytestmark = pytest.mark.unit

FORM = "multipart/form-data; boundary=x"


def field(name: str, content: bytes, kind: str = "") -> bytes:
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n{typed}\r\n'
    return head.encode() + content + b"\r\n"


def test_the_fields_by_name() -> None:
    sdp = field("sdp", b"v=0\r\n", "Application/SDP; charset=utf-8")
    assert parts_of(sdp + field("session", b"{}") + b"--x--\r\n", FORM) == {
        "sdp": Part("sdp", "application/sdp", b"v=0\r\n"),
        "session": Part("session", "text/plain", b"{}"),
    }


def test_what_stands_around_the_form_does_not_count() -> None:
    body = b"hello\r\n" + field("a", b"1").replace(b"--x", b"--x \t", 1) + b"--x--\r\nbye\r\n--x\r\n"
    assert parts_of(body, FORM)["a"].content == b"1"


def test_a_content_may_be_empty_or_look_like_the_boundary() -> None:
    body = field("a", b"") + field("b", b" --x\n--x--") + b"--x--"
    contents = {name: part.content for name, part in parts_of(body, FORM).items()}
    assert contents == {"a": b"", "b": b" --x\n--x--"}


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        (b"", "multipart/form-data", "no boundary"),
        (b"", "multipart/form-data; boundary=" + "x" * 71, "no boundary"),
        (b"", "multipart/form-data; boundary=\u20ac", "no boundary"),
        (b"", "multipart/form-data; boundary*" + "9" * 8000 + "*=x", "no boundary"),
        (b"", FORM, "last boundary"),
        (b"--x", FORM, "end its line"),
        (b"--xyz\r\n", FORM, "end its line"),
        (field("a", b"1"), FORM, "last boundary"),
        (field("a", b"1") + field("a", b"2") + b"--x--", FORM, "there twice"),
        (field("", b"1") + b"--x--", FORM, "no name"),
        (b"--x\r\n\r\nnaked\r\n--x--", FORM, "no headers"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\nnaked\r\n--x--", FORM, "no name"),
        (b"--x\r\n--x--", FORM, "no headers"),
        (field("a" * 5000, b"1") + b"--x--", FORM, "too many"),
        (b"".join(field(str(n), b"") for n in range(MOST_PARTS + 1)) + b"--x--", FORM, "at most"),
    ],
)
def test_what_cannot_be_read_is_told(body: bytes, kind: str, sentence: str) -> None:
    with pytest.raises(MultipartFault, match=sentence):
        parts_of(body, kind)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=200), max_size=5),
    st.text("ABCdef0189'()+_,-./:=?", min_size=20, max_size=70),
)
def test_what_was_written_is_read(fields: dict[str, bytes], boundary: str) -> None:
    parts = [
        b'Content-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in fields.items()
    ]
    delimiter = b"--" + boundary.encode()
    body = b"".join(delimiter + b"\r\n" + part for part in parts) + delimiter + b"--\r\n"
    read = parts_of(body, f'multipart/form-data; boundary="{boundary}"')
    assert {name: part.content for name, part in read.items()} == fields


_PIECES = st.sampled_from(
    [
        b"--x",
        b"--x--",
        b"\r\n",
        b"\n",
        b"--",
        b'Content-Disposition: form-data; name="a"',
        b"name*1*=",
        b": ",
    ]
)


@given(st.lists(_PIECES | st.binary(max_size=20), max_size=30).map(b"".join), st.just(FORM) | st.text())
def test_noise_is_a_fault_and_nothing_worse(body: bytes, kind: str) -> None:
    try:
        parts_of(body, kind.replace("\n", "").replace("\r", ""))
    except MultipartFault:
        return
