"""Offers and answers as text: what a browser asks for, checked and cleaned; what we answer, completed.

The offer is rebuilt from the few attributes Parley needs, so that nothing unexpected reaches the WebRTC stack:
one audio section with Opus, one data channel section. All other sections are answered as rejected (port 0,
RFC 9429 section 5.3.1). Pure functions, by RFC 8866 (SDP), RFC 9429 (JSEP) and RFC 7587 (Opus).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from gateway.clients.section import Section
from gateway.errors import LegProtocolError

__all__ = ["MAX_OFFER", "Offer", "clean_offer", "mend_answer"]

MAX_OFFER = 64 * 1024
"""Bytes; a browser's audio offer has about 3 KiB."""
MAX_SECTIONS = 16
MAX_CANDIDATES = 32
"""Each remote candidate costs connectivity checks: more than a machine has addresses is an attack."""
DEFAULT_MAX_MESSAGE = 65536
"""RFC 8841 section 6.1: what a peer takes that does not say."""
OPUS_FMTP = "minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0;maxaveragebitrate=32000"
"""What we like to receive (RFC 7587 section 6.1). Not `usedtx`: silence must keep arriving for the VAD."""

MEDIA_LINE = re.compile(r"m=([a-z]+) (\d{1,5})(?:/\d+)? ([A-Z/]+) (.+)")
CANDIDATE = re.compile(
    r"(\S{1,32}) 1 udp (\d{1,10}) (\S+) (\d{1,5}) typ (host|srflx|relay)\b", re.IGNORECASE
)
FINGERPRINT = re.compile(r"(sha-256|sha-384|sha-512) ([0-9A-F]{2}(?::[0-9A-F]{2}){31,63})", re.IGNORECASE)
EXTENSION = re.compile(r"(\d{1,2})(?:/\w+)? (urn:ietf:params:rtp-hdrext:(?:ssrc-audio-level|sdes:mid))")
SSRC = re.compile(r"(\d{1,10}) cname:(\S{1,256})")
TOKEN = re.compile(r"[\x21-\x7e]{1,256}")


@dataclass(frozen=True, slots=True)
class Offer:
    """A cleaned offer, and what the answer to it must know."""

    sdp: str
    sections: tuple[Section, ...]
    """As offered, in order."""
    audio: int
    """Index of the section that carries the call."""
    channel: int | None
    """Index of the data channel section."""
    opus: int
    """Payload type of Opus."""
    hears: bool
    """Whether the caller's microphone is offered (else they only listen)."""
    bundled: bool
    max_message: int
    """Largest message the caller's end of the data channel takes, in bytes; 0 is any."""


def clean_offer(text: str) -> Offer:
    """Check an offer and keep what Parley needs of it.

    Raises LegProtocolError with one sentence that says what is wrong and how to mend it.
    """
    if len(text.encode("utf-8", "replace")) > MAX_OFFER:
        _refuse(f"the offer is larger than {MAX_OFFER // 1024} KiB; send one call's offer only")
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line]
    if not lines or lines[0].strip() != "v=0":
        if text.lstrip().startswith(("{", '"')):
            _refuse("the body is JSON; send the text of the offer's `sdp` by itself, as application/sdp")
        _refuse("the body is not SDP: an offer begins with the line v=0")
    common, sections = _split(lines)
    audio = _choose_audio(sections)
    channel = next((n for n, s in enumerate(sections) if _is_channel(s)), None)
    kept = sorted(n for n in (audio, channel) if n is not None)

    bundle = next((a.split()[1:] for a in common.every("group") if a.split()[:1] == ["BUNDLE"]), [])
    mids = [sections[n].first("mid") for n in kept]
    if any(mid is None or not TOKEN.fullmatch(mid) for mid in mids) or len(set(mids)) < len(mids):
        _refuse("a media section has no a=mid of its own; create the offer with a current WebRTC library")
    bundled = len(kept) == 1 or all(mid in bundle for mid in mids)
    out = ["v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    if bundled:
        order = [mid for mid in bundle if mid in mids] or [mid for mid in mids if mid]
        out.append(f"a=group:BUNDLE {' '.join(order)}")
    for n in kept:
        section = sections[n]
        out += _audio_lines(section) if n == audio else _channel_lines(section)
        out += _transport_lines(section, common)
    opus = sections[audio].opus
    return Offer(
        sdp="\r\n".join(out) + "\r\n",
        sections=tuple(sections),
        audio=audio,
        channel=channel,
        opus=opus or 0,
        hears=sections[audio].direction == "sendrecv",
        bundled=bundled and bool(bundle),
        max_message=_max_message(sections[channel]) if channel is not None else 0,
    )


def mend_answer(answer: str, offer: Offer, published: Mapping[str, str] | None = None) -> str:
    """Complete the answer that the WebRTC stack made to `offer.sdp`: what we like of Opus, the stream's name,
    the rejected sections in their places, and host candidates under their public address (`published`: address
    bound → address told, for a machine behind 1:1 NAT)."""
    common, *groups = _groups([line for line in re.split(r"\r\n|\n", answer) if line])
    out = [line for line in common if offer.bundled or not line.startswith("a=group:BUNDLE")]
    answered = iter(groups)
    for n, section in enumerate(offer.sections):
        if n not in (offer.audio, offer.channel):
            out += [
                f"m={section.kind} 0 {section.profile} {section.formats}",
                "c=IN IP4 0.0.0.0",
                "a=inactive",
            ]
            out += [f"a=mid:{mid}" for mid in section.every("mid")[:1]]
            continue
        lines = [_published(line, published or {}) for line in next(answered)]
        if n == offer.audio:
            rtpmap = f"a=rtpmap:{offer.opus} "
            if not any(line.startswith("a=msid:") for line in lines):
                lines.insert(1, "a=msid:parley agent")
            for place, line in enumerate(lines):
                if line.startswith(rtpmap):
                    lines.insert(place + 1, f"a=fmtp:{offer.opus} {OPUS_FMTP}")
                    break
        out += lines
    return "\r\n".join(out) + "\r\n"


def _refuse(sentence: str) -> NoReturn:
    raise LegProtocolError(sentence)


def _groups(lines: list[str]) -> list[list[str]]:
    """The session's lines, then those of each media section."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            groups.append([])
        groups[-1].append(line)
    return groups


def _split(lines: list[str]) -> tuple[Section, list[Section]]:
    common, *groups = _groups(lines)
    if len(groups) > MAX_SECTIONS:
        _refuse(f"the offer has more than {MAX_SECTIONS} media sections; one audio section is enough")
    sections = []
    for group in groups:
        match = MEDIA_LINE.fullmatch(group[0].rstrip())
        if match is None:
            _refuse("the offer has an m= line that is not SDP; send the text that createOffer returned")
        attributes = tuple(line[2:].rstrip() for line in group if line.startswith("a="))
        sections.append(Section(match[1], int(match[2]), match[3], match[4], attributes))
    return Section(
        "", 0, "", "", tuple(line[2:].rstrip() for line in common if line.startswith("a="))
    ), sections


def _choose_audio(sections: list[Section]) -> int:
    offered = [n for n, s in enumerate(sections) if s.kind == "audio" and s.port]
    if not offered:
        if any(section.kind == "video" for section in sections):
            _refuse("the offer has video but no audio; add the microphone's track, or an audio transceiver")
        _refuse("the offer has no audio; add the microphone's track before createOffer")
    usable = [n for n in offered if sections[n].profile in ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")]
    if not usable:
        _refuse(
            "the audio is not offered over DTLS-SRTP (UDP/TLS/RTP/SAVPF); offer it from a WebRTC client"
        )
    usable = [n for n in usable if sections[n].opus is not None]
    if not usable:
        _refuse("the audio is offered without opus/48000/2 (payload type 96 to 127); allow the Opus codec")
    for wanted in ("sendrecv", "recvonly"):
        for n in usable:
            if sections[n].direction == wanted:
                return n
    _refuse("the agent could not be heard: the audio is offered as sendonly or inactive; offer sendrecv")


def _is_channel(section: Section) -> bool:
    return (
        section.kind == "application"
        and section.port > 0
        and section.profile == "UDP/DTLS/SCTP"
        and section.formats.strip() == "webrtc-datachannel"
    )


def _audio_lines(section: Section) -> list[str]:
    if "rtcp-mux" not in section.attributes:
        _refuse("the audio is offered without a=rtcp-mux; set rtcpMuxPolicy to require")
    lines = [f"m=audio 9 UDP/TLS/RTP/SAVPF {section.opus}", "c=IN IP4 0.0.0.0", f"a={section.direction}"]
    lines += ["a=rtcp-mux", f"a=rtpmap:{section.opus} opus/48000/2"]
    for value in section.every("extmap"):
        if match := EXTENSION.fullmatch(value):
            lines.append(f"a=extmap:{match[1]} {match[2]}")
    for value in section.every("ssrc"):
        if (match := SSRC.fullmatch(value)) and int(match[1]) < 1 << 32:
            return [*lines, f"a=ssrc:{match[1]} cname:{match[2]}"]
    return lines


def _channel_lines(section: Section) -> list[str]:
    port = section.first("sctp-port") or "5000"
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        _refuse("a=sctp-port is not a port number; send the text that createOffer returned")
    return [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        f"a=sctp-port:{int(port)}",
        f"a=max-message-size:{_max_message(section)}",
    ]


def _max_message(section: Section) -> int:
    size = section.first("max-message-size") or ""
    return int(size) if re.fullmatch(r"[0-9]{1,12}", size) else DEFAULT_MAX_MESSAGE


def _transport_lines(section: Section, common: Section) -> list[str]:
    def value(name: str) -> str | None:
        return section.first(name) or common.first(name)

    lines = [f"a=mid:{section.first('mid')}"]
    for name, least in (("ice-ufrag", 4), ("ice-pwd", 22)):
        secret = value(name) or ""
        if not TOKEN.fullmatch(secret) or len(secret) < least:
            _refuse(f"a media section has no valid a={name}; send the text that createOffer returned")
        lines.append(f"a={name}:{secret}")
    offered = section.every("fingerprint") or common.every("fingerprint")
    prints = [match for text in offered[:8] if (match := FINGERPRINT.fullmatch(text))]
    if not prints:
        _refuse("there is no a=fingerprint of sha-256, sha-384 or sha-512; WebRTC needs DTLS")
    lines += [f"a=fingerprint:{match[1].lower()} {match[2].upper()}" for match in prints]
    setup = value("setup")
    if setup not in ("actpass", "active", "passive"):
        _refuse("a=setup is missing or unknown; an offer says a=setup:actpass")
    lines.append(f"a=setup:{setup}")
    return lines + _candidate_lines(section)


def _candidate_lines(section: Section) -> list[str]:
    """Only those that can be tried. `.local` names are left out: resolving each takes a second, and the caller
    reaches us anyway (peer-reflexive candidates). `end-of-candidates` too: it would end the search early."""
    lines = []
    for value in section.every("candidate"):
        match = CANDIDATE.match(value)
        if match is None or int(match[2]) >= 1 << 32 or not 0 < int(match[4]) < 65536:
            continue
        try:
            address = ipaddress.ip_address(match[3])
        except ValueError:
            continue
        if not (address.is_unspecified or address.is_multicast or "%" in match[3]):
            lines.append(
                f"a=candidate:{match[1]} 1 udp {match[2]} {address} {match[4]} typ {match[5].lower()}"
            )
    return lines[:MAX_CANDIDATES]


def _published(line: str, published: Mapping[str, str]) -> str:
    if line.startswith("a=candidate:") and line.endswith(" typ host"):
        bits = line.split(" ")
        bits[4] = published.get(bits[4], bits[4])
        return " ".join(bits)
    return line
