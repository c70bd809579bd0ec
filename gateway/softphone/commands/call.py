"""Call a running server, as a carrier does when somebody calls your number: the webhook, signed where the carrier's
secret is set here; the media socket its answer names; audio in real time, marks and clears by the letter. Prints the
course of the call and what it came to. No carrier account is needed.

What is said and pressed is done in the order given, each when the agent is done speaking:

  parley phone call --say book.wav --keys '1234#' --barge-in stop.wav@1.5 --out heard.wav

Exit code: 0 when the call went well, 1 when it did not or a rule of the carrier's was broken, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.softphone.caller import Step

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "call a running server as a carrier does, with recordings or a microphone"
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
    parser.set_defaults(steps=None)
    parser.add_argument("--carrier", default="twilio", help="which carrier to play (default: twilio)")
    parser.add_argument("--server", help="where the server listens (default: PARLEY_HOST and PARLEY_PORT)")
    parser.add_argument("--persona", help="who is to answer (default: as for real calls)")
    parser.add_argument("--from", dest="caller", default="+15550100001", help="the caller's number")
    parser.add_argument("--to", dest="called", default="+15550100002", help="the number that is called")
    step = {"action": _Step, "nargs": "+", "default": argparse.SUPPRESS}
    parser.add_argument("--say", metavar="WAV", type=Path, help="say a recording", **step)  # type: ignore[arg-type]
    parser.add_argument("--keys", metavar="KEYS", help="press keys: 0-9 * # A-D", **step)  # type: ignore[arg-type]
    parser.add_argument(
        "--barge-in",
        metavar="WAV@SECONDS",
        help="say a recording over the agent, once it has been speaking for so long",
        **step,  # type: ignore[arg-type]
    )
    parser.add_argument("--wait", metavar="SECONDS", type=float, help="wait before what follows", **step)  # type: ignore[arg-type]
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
    import json
    import signal

    from gateway import plugins
    from gateway.softphone import lines, report
    from gateway.softphone.call import Phone, Wish
    from gateway.softphone.caller import Caller
    from gateway.softphone.card import SoundCard, programs
    from gateway.softphone.course import Course
    from gateway.softphone.sound import Heard

    if options.carrier not in plugins.names(lines.__name__):
        known = ", ".join(plugins.names(lines.__name__))
        raise ValueError(f"--carrier {options.carrier}: that one cannot be played; there is: {known}")
    line = plugins.find(lines.__name__, options.carrier).line(settings)
    server = (options.server or f"http://{settings.host}:{settings.port}").rstrip("/")
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"--server {server!r} is no address: http://127.0.0.1:8080")
    if options.duration <= 0:
        raise ValueError("--duration is a number of seconds above 0")
    wish = Wish(
        options.carrier,
        server,
        settings.public_url or server,
        options.caller,
        options.called,
        options.persona,
        options.duration,
    )
    chosen = programs() if options.mic else None
    _steps(options, 8000)  # so that a bad recording is told before anybody is called

    def show(text: str) -> None:
        print(text, flush=True)

    out = report.by_object(show) if options.json else report.by_line(show, verbose=options.verbose)

    async def go() -> Course:
        loop = asyncio.get_running_loop()
        course = Course(line.title, loop.time(), out)
        with Heard(options.out) as heard:

            def caller(rate: int) -> Caller:
                return Caller(_steps(options, rate), patient=options.say_after_reply, microphone=card)

            def failed(why: str) -> None:
                course.failed(loop.time(), why)
                phone.hang_up()

            card = SoundCard(chosen, failed) if chosen is not None else None
            phone = Phone(line, wish, course, caller, heard, card)
            loop.add_signal_handler(signal.SIGINT, phone.hang_up)
            loop.add_signal_handler(signal.SIGTERM, phone.hang_up)
            try:
                await phone.run()
            finally:
                if card is not None:
                    await card.close()
        return course

    course = asyncio.run(go())
    if options.json:
        show(json.dumps(course.summary.as_dict(), ensure_ascii=False))
    elif course.summary.connected:
        show(f"\n{report.summed_up(course.summary)}")
    return 0 if course.summary.good else 1


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
                if not name or after < 0:
                    raise ValueError(f"--barge-in {value!r} is not WAV@SECONDS: stop.wav@1.5")
                steps.append(BargeIn(utterance(Path(name), rate), after))
            case _:
                steps.append(Wait(value))
    return steps
