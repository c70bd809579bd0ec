"""The calls, and what must be true of them."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from personas import library
from scripts.e2e_sip.exchange import Exchange
from scripts.e2e_sip.hearing import Spoken, clip, recognised, silent_since, sounds, synthesised
from scripts.e2e_sip.server import Parley
from scripts.e2e_sip.telephone import RATE, Telephone

__all__ = ["Checks", "busy", "conversation", "goodbye", "registered"]

AUDIO = Path(__file__).parents[2] / "tests/audio"
PARLEY = "sip:+15550100002@127.0.0.1:5060"
GREETING = "thank you for calling larkfield dental this is nora how can i help you"


@dataclass(slots=True)
class Checks:
    """What was seen, said as it is seen."""

    failed: list[str] = field(default_factory=list)

    def __call__(self, what: str, good: object, seen: object = "") -> None:
        shown = f": {seen}" if seen != "" else ""
        print(f"  {'✓' if good else '✗'} {what}{shown}", flush=True)
        if not good:
            self.failed.append(what)


def registered(check: Checks, phone: Telephone, exchange: Exchange) -> None:
    deadline = time.monotonic() + 10
    while "Avail" not in (told := exchange.ask("pjsip show contacts")) and "NonQual" not in told:
        if time.monotonic() > deadline:
            break
        phone.wait(0.2)
    check("the telephone registers at Asterisk", "sip:phone" in told)


def conversation(check: Checks, phone: Telephone, exchange: Exchange, parley: Parley, keep: Path) -> None:
    """Greeting, a sentence, an interruption, a key; the telephone hangs up."""
    dialled = time.time()
    phone.command("dial", PARLEY)
    phone.until("CALL_ESTABLISHED", 10, dialled)
    began = time.time()
    greeting = _reply(phone, 0.0)
    check("the greeting begins at once", greeting[0] < 1.0, f"{greeting[0] * 1000:.0f} ms after the answer")

    said = _at(phone)
    end = phone.say(clip(AUDIO / "dental_01_book.wav"))
    reply = _reply(phone, said + 1.0)
    check("a sentence is answered", reply[1] - reply[0] > 1.0, f"{reply[1] - reply[0]:.1f} s of speech")

    # The next answer is long: find the slots, offer some. The caller speaks into it.
    end = phone.say(clip(AUDIO / "dental_02_slot.wav"))
    phone.wait(end - time.time())
    before = _at(phone)
    _speaking(phone, before, for_s=0.8)
    onset = time.time() + 0.3  # where speech begins in the recording
    spoke = _at(phone)
    phone.say(clip(AUDIO / "bargein_stop.wav"))
    phone.wait(2.5)
    flushes = [at for at, _ in exchange.told(r"FLUSH_MEDIA") if at > onset - 0.3]
    check("an interruption is a FLUSH_MEDIA", bool(flushes), _ms(flushes, onset))
    last = max(end for begin, end in sounds(phone.heard()) if begin < spoke + 0.3)
    check("and the telephone is silent", last - spoke < 1.2)
    _quiet(phone)

    pressed = time.time()
    phone.command("sndcode", "5")
    phone.wait(0.3)
    phone.command("sndcode", "#")
    phone.wait(1.0)
    keys = [line for at, line in exchange.told(r"DTMF_END") if at > pressed - 0.1]
    check("keys arrive as DTMF_END", len(keys) >= 2, len(keys))
    _quiet(phone)

    phone.command("hangup")
    phone.until("CALL_CLOSED", 5, began)
    heard = phone.heard()
    phone.keep(keep)
    session = parley.session_of(0)
    ending = parley.ending(session)
    check("the telephone hangs up, and the call is over", ending == "caller/hung-up", ending)
    phone.wait(0.5)
    check("nothing is left in Asterisk", exchange.channels() == 0)

    transcript = parley.said(session)
    for speaker, text, about in transcript:
        print(f"      {speaker}: {text}{' (interrupted)' if about['interrupted'] else ''}")
    words = " | ".join(text for speaker, text, _ in transcript if speaker == "user")
    check("the caller's words were recognised", "appointment for a cleaning" in words)
    check("the keys reached the agent", "pressed 5 #" in words)
    check(
        "the interrupted reply is kept as far as it was heard",
        any(about["interrupted"] and about.get("unheard") for _, _, about in transcript),
    )
    understood = asyncio.run(recognised(_piece(heard, greeting), _lines()))
    share = _overlap(understood, GREETING)
    check(
        "the greeting is understood from the telephone's recording",
        share >= 0.6,
        f"{share:.0%}: {understood!r}",
    )


def goodbye(check: Checks, phone: Telephone, second: Telephone, exchange: Exchange, parley: Parley) -> None:
    """The agent hangs up; while the call lasts, the only line is taken."""
    phone.hush()
    dialled = time.time()
    phone.command("dial", PARLEY)
    phone.until("CALL_ESTABLISHED", 10, dialled)
    busy(check, second, "a second caller is told that the line is busy")
    _quiet(phone)
    phone.say(asyncio.run(synthesised("Goodbye.")))
    phone.until("CALL_CLOSED", 30, dialled)
    ending = parley.ending(parley.session_of(1))
    check("the agent hangs up, and the telephone is told", ending == "agent/hung-up", ending)
    phone.wait(0.5)
    check("nothing is left in Asterisk", exchange.channels() == 0)


def busy(check: Checks, phone: Telephone, what: str) -> None:
    dialled = time.time()
    phone.command("dial", PARLEY)
    closed = phone.until("CALL_CLOSED", 10, dialled)
    seen = f"{closed['param']} after {(time.time() - dialled) * 1000:.0f} ms"
    check(what, str(closed["param"]).startswith("486"), seen)


def _at(phone: Telephone) -> float:
    """How long the recording is, in seconds."""
    return len(phone.heard()) / 2 / RATE


def _speaking(phone: Telephone, since: float, for_s: float, within_s: float = 15.0) -> None:
    """Until the agent has spoken for so long after `since`. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        phone.wait(0.05)
        later = [one for one in sounds(phone.heard()) if one[1] > since]
        if later and later[-1][1] - max(later[-1][0], since) >= for_s:
            return
    raise TimeoutError("the agent does not speak")


def _quiet(phone: Telephone, within_s: float = 25.0) -> None:
    """Until the agent has been silent for a while. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    phone.wait(1.5)
    while not silent_since(phone.heard(), 1.5):
        if time.monotonic() > deadline:
            raise TimeoutError("the agent does not stop")
        phone.wait(0.1)


def _reply(phone: Telephone, since: float) -> Spoken:
    """The next thing that the agent says after `since`, heard to its end. Raises TimeoutError."""
    _speaking(phone, since, for_s=0.2)
    _quiet(phone)
    return next(one for one in sounds(phone.heard()) if one[1] > since)


def _piece(pcm: bytes, spoken: Spoken) -> bytes:
    begin, end = max(0.0, spoken[0] - 0.2), spoken[1] + 0.3
    return pcm[round(begin * RATE) * 2 : round(end * RATE) * 2]


def _lines() -> tuple[str, ...]:
    """What agents say first and last, in the words of the ears."""
    people = library.load().values()
    lines = [line for one in people for line in (one.greeting, one.farewell, one.still_there) if line]
    return tuple(" ".join(re.findall(r"[a-z']+", line.lower())) for line in lines)


def _overlap(understood: str, expected: str) -> float:
    """The share of expected words that were understood."""
    words, wanted = set(understood.split()), expected.split()
    return sum(word in words for word in wanted) / len(wanted)


def _ms(times: list[float], since: float) -> str:
    return f"{(times[0] - since) * 1000:.0f} ms after the caller's first sound" if times else ""
