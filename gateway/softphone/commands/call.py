"""Call a running server, as a carrier does when somebody calls your number: the webhook, signed where the carrier's
secret is set here; the media socket its answer names; audio in real time, marks and clears by the letter. Prints the
course of the call and what it came to. No carrier account is needed.

What is said and pressed is done in the order given, each when the agent is done speaking:

  parley phone call --say book.wav --keys '1234#' --barge-in stop.wav@1.5 --out heard.wav

Exit code: 0 when the call went well, 1 when it did not or a rule of the carrier's was broken, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.softphone.asking import Where
    from gateway.softphone.call import Phone
    from gateway.softphone.caller import Step
    from gateway.softphone.card import SoundCard
    from gateway.softphone.course import Course
    from gateway.softphone.line import Facts, Line
    from gateway.softphone.sound import Heard

__all__ = ["SUMMARY", "Conversation", "define", "define_conversation", "run"]

SUMMARY = "call a running server as a carrier does, with recordings or a microphone"
LONGEST_S = 86_400
KEYS = frozenset("0123456789*#ABCDabcd")


class _Step(argparse.Action):
    """Keeps steps in the order of the command line."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, *_: object
    ) -> None:
        kept = [
            *(namespace.steps or []),
            *([(self.dest, one) for one in values] if isinstance(values, list) else []),
        ]
        namespace.steps = kept


def define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--carrier", default="twilio", help="which carrier to play (default: twilio)")
    parser.add_argument("--server", help="where the server listens (default: PARLEY_HOST and PARLEY_PORT)")
    parser.add_argument("--persona", help="who is to answer (default: as for real calls)")
    parser.add_argument("--from", dest="caller", default="+15550100001", help="the caller's number")
    parser.add_argument("--to", dest="called", default="+15550100002", help="the number that is called")
    define_conversation(parser)


def define_conversation(parser: argparse.ArgumentParser) -> None:
    """The arguments of what is said and heard, which other commands have as well."""
    parser.set_defaults(steps=None)
    step: dict[str, Any] = {"action": _Step, "nargs": "+", "default": argparse.SUPPRESS}
    parser.add_argument("--say", metavar="WAV", type=Path, help="say a recording", **step)
    parser.add_argument("--keys", metavar="KEYS", help="press keys: 0-9 * # A-D", **step)
    parser.add_argument(
        "--barge-in",
        metavar="WAV@SECONDS",
        help="say a recording over the agent, once it has been speaking for so long",
        **step,
    )
    parser.add_argument("--wait", metavar="SECONDS", type=float, help="wait before what follows", **step)
    parser.add_argument(
        "--say-after-reply",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="before each step wait until the agent has spoken and is done (default); "
        "otherwise one step follows the other at once",
    )
    parser.add_argument("--mic", action="store_true", help="speak and listen yourself, until Ctrl-C")
    parser.add_argument("--out", metavar="WAV", type=Path, help="write what the caller hears")
    parser.add_argument(
        "--duration", metavar="SECONDS", type=float, default=600.0, help="hang up after so long"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a line, the summary last"
    )
    parser.add_argument("--verbose", action="store_true", help="tell each mark and round trip")


def run(options: argparse.Namespace) -> int:
    import sys

    from gateway.config import from_env
    from gateway.softphone.sound import Unusable

    settings = from_env()
    try:
        return _call(options, settings)
    except (ValueError, Unusable) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2


def _call(options: argparse.Namespace, settings: Settings) -> int:
    """Raises ValueError and Unusable for what cannot be meant."""
    import asyncio
    import signal

    from gateway import plugins
    from gateway.softphone import lines
    from gateway.softphone.asking import Where

    carrier = options.carrier
    if carrier not in plugins.names(lines.__name__):
        known = ", ".join(plugins.names(lines.__name__))
        raise ValueError(f"--carrier {carrier}: that one cannot be played; there is: {known}")
    line: Line = plugins.find(lines.__name__, carrier).line(settings)
    server = (options.server or f"http://{settings.host}:{settings.port}").rstrip("/")
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"--server {server!r} is no address: http://127.0.0.1:8080")
    where = Where(server, settings.public_url or server)
    talk = Conversation(options)

    async def go() -> bool:
        loop = asyncio.get_running_loop()
        facts = line.facts(options.caller, options.called)
        held = talk.call(line, facts, where)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, held.phone.hang_up)
        proof = f"signed with {line.secret}" if line.signs else f"unsigned: {line.secret} is not set"
        if not line.signable:
            proof = f"unsigned: only {line.title} has the key"
        told = f"{options.caller} calls {options.called} over {line.title} ({proof})"
        held.course.tell(loop.time(), "dialled", told)
        await held.run(lambda: held.phone.to_number(carrier, options.persona))
        return held.course.summary.good

    return 0 if asyncio.run(go()) else 1


class Conversation:
    """What is said, heard and shown in a call; of the arguments of `define_conversation`."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Raises ValueError and Unusable for what cannot be meant, before anybody is called."""
        from gateway.softphone.card import programs

        if not 0 < options.duration <= LONGEST_S:
            raise ValueError(f"--duration is a number of seconds above 0, up to {LONGEST_S}")
        self._options = options
        self._programs = programs() if options.mic else None
        self.steps(8000)

    def steps(self, rate: int) -> list[Step]:
        return _steps(self._options, rate)

    def show(self, text: str) -> None:
        """For people."""
        if not self._options.json:
            print(text, flush=True)

    def show_start(self, text: str) -> None:
        import json

        print(json.dumps({"event": "start", "text": text}) if self._options.json else text, flush=True)

    def call(self, line: Line, facts: Facts, where: Where) -> Held:
        """Within the event loop in which it is run."""
        import asyncio

        from gateway.softphone import report
        from gateway.softphone.call import Phone
        from gateway.softphone.caller import Caller
        from gateway.softphone.card import SoundCard
        from gateway.softphone.course import Course
        from gateway.softphone.sound import Heard

        options, now = self._options, asyncio.get_running_loop().time

        def line_out(text: str) -> None:
            print(text, flush=True)

        out = (
            report.by_object(line_out)
            if options.json
            else report.by_line(line_out, verbose=options.verbose)
        )
        course = Course(line.title, now(), out)

        def failed(why: str) -> None:
            course.failed(now(), why)
            phone.hang_up()

        def caller(rate: int) -> Caller:
            return Caller(self.steps(rate), patient=options.say_after_reply, microphone=card)

        card = SoundCard(self._programs, failed) if self._programs is not None else None
        heard = Heard(options.out)
        phone = Phone(line, facts, where, course, caller, heard, card, duration_s=options.duration)
        return Held(phone, course, heard, card, as_json=options.json)


class Held:
    """One call, with what is to be closed after it."""

    def __init__(
        self, phone: Phone, course: Course, heard: Heard, card: SoundCard | None, *, as_json: bool
    ) -> None:
        self.phone = phone
        self.course = course
        self._heard = heard
        self._card = card
        self._as_json = as_json

    async def run(self, course: Callable[[], Awaitable[None]]) -> None:
        """The call, and what it came to. Raises Unusable."""
        import json

        from gateway.softphone import report

        try:
            with self._heard:
                await course()
        finally:
            if self._card is not None:
                await self._card.close()
        summary = self.course.summary
        if self._as_json:
            print(json.dumps(summary.as_dict(), ensure_ascii=False), flush=True)
        elif summary.connected:
            print(f"\n{report.summed_up(summary)}", flush=True)


def _steps(options: argparse.Namespace, rate: int) -> list[Step]:
    """Raises ValueError and Unusable."""
    from gateway.softphone.caller import BargeIn, Press, Speak, Wait
    from gateway.softphone.sound import utterance

    steps: list[Step] = []
    for kind, value in options.steps or []:
        match kind:
            case "say":
                steps.append(Speak(utterance(value, rate)))
            case "keys":
                if wrong := sorted(set(value) - KEYS):
                    raise ValueError(f"--keys: a telephone has no {' '.join(wrong)}; it has 0-9 * # A-D")
                steps.append(Press(value.upper()))
            case "barge_in":
                name, _, seconds = value.rpartition("@")
                try:
                    after = float(seconds)
                except ValueError:
                    after = -1.0
                if not name or not 0 <= after <= LONGEST_S:
                    raise ValueError(f"--barge-in {value!r} is not WAV@SECONDS: stop.wav@1.5")
                steps.append(BargeIn(utterance(Path(name), rate), after))
            case _:
                if not 0 <= value <= LONGEST_S:
                    raise ValueError(f"--wait is a number of seconds, up to {LONGEST_S}")
                steps.append(Wait(value))
    return steps
