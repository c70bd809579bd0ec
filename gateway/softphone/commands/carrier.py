"""Be Twilio's API on this machine, and the telephone that it calls: so calls that the server places can be tried with
no carrier account. Start the server with

  PARLEY_TWILIO_API_URL=http://127.0.0.1:9090 TWILIO_ACCOUNT_SID=AC1 TWILIO_AUTH_TOKEN=secret
  TWILIO_PHONE_NUMBER=+15550100002 PARLEY_TELEPHONY_OPEN=1

and this with the same TWILIO_AUTH_TOKEN. POST /api/cp/sessions/outbound then rings here; hang-up and transfer by the
API are obeyed. What is said and pressed is as with `parley phone call`, the same in each call.

Exit code: 0 when all calls went well, 1 when one did not, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.softphone.commands import call as calling

if TYPE_CHECKING:
    from gateway.config import Settings

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "be Twilio's API on this machine, and the telephone that the server calls"
OUTCOMES = ("answered", "busy", "no-answer")
VERDICTS = (
    *("human", "machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"),
    *("fax", "unknown"),
)


def define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", metavar="HOST:PORT", default="127.0.0.1:9090", help="where the API is (127.0.0.1:9090)"
    )
    parser.add_argument("--server", help="where the server listens (default: as its URLs say)")
    parser.add_argument(
        "--answer-after", metavar="SECONDS", type=float, default=1.0, help="how long it rings"
    )
    parser.add_argument("--outcome", choices=OUTCOMES, default="answered", help="what becomes of each call")
    parser.add_argument(
        "--answered-by", choices=VERDICTS, help="what answering-machine detection tells, if the server asks"
    )
    parser.add_argument(
        "--verdict-after", metavar="SECONDS", type=float, default=2.0, help="how long it takes for that (2)"
    )
    parser.add_argument(
        "--calls", metavar="N", type=int, help="end after so many calls (default: at Ctrl-C)"
    )
    calling.define_conversation(parser)


def run(options: argparse.Namespace) -> int:
    import sys

    from gateway.config import from_env
    from gateway.softphone.sound import Unusable

    settings = from_env()
    try:
        return _serve(options, settings)
    except (ValueError, Unusable) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"parley: --listen {options.listen}: {error.strerror or error}", file=sys.stderr)
        return 2


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    """Raises ValueError and Unusable for what cannot be meant, OSError when the address is not free."""
    import asyncio
    import contextlib
    import signal
    from collections.abc import Coroutine
    from typing import Any

    from aiohttp import web

    from gateway.softphone.asking import Where
    from gateway.softphone.call import Phone, Placed
    from gateway.softphone.exchange import Account, Exchange
    from gateway.softphone.line import Facts
    from gateway.softphone.lines import twilio

    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"--listen {options.listen!r} is not HOST:PORT")
    waits = (options.answer_after, options.verdict_after)
    if not all(0 <= one <= calling.LONGEST_S for one in waits) or (
        options.calls is not None and options.calls < 1
    ):
        raise ValueError("--answer-after and --verdict-after are seconds, --calls is no less than 1")
    talk = calling.Conversation(options)
    line = twilio.line(settings)
    public = settings.public_url or ""
    where = Where((options.server or public).rstrip("/"), public)
    token = settings.twilio_auth_token

    async def go() -> bool:
        loop = asyncio.get_running_loop()
        current: list[Phone] = []
        good = True

        def ring(facts: Facts, placed: Placed) -> tuple[Phone, Coroutine[Any, Any, None]] | None:
            if current:
                return None
            held = talk.call(line, facts, where)
            current.append(held.phone)
            held.course.tell(loop.time(), "dialled", f"{facts.caller} calls {facts.called}")

            async def course() -> None:
                nonlocal good
                try:
                    await held.run(lambda: held.phone.placed(placed))
                finally:
                    current.clear()
                good &= held.course.summary.good

            return held.phone, course()

        def interrupted() -> None:
            with contextlib.suppress(asyncio.QueueFull):
                exchange.waiting.put_nowait(None)
            for phone in current:
                phone.hang_up()

        exchange = Exchange(
            Account(settings.twilio_account_sid or "", token.get_secret_value() if token else ""),
            ring,
            lambda text: talk.show(f"          · API: {text}"),
            answer_after_s=options.answer_after,
            outcome=options.outcome,
            verdict=options.answered_by or "",
            verdict_after_s=options.verdict_after,
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        runner = web.AppRunner(exchange.app(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, int(port)).start()
            talk.show_start(
                f"Twilio's API is at http://{host}:{runner.addresses[0][1]} (PARLEY_TWILIO_API_URL)"
            )
            done = 0
            while options.calls is None or done < options.calls:
                course = await exchange.waiting.get()
                if course is None:
                    break
                await course
                done += 1
        finally:
            await runner.cleanup()
        return good

    return 0 if asyncio.run(go()) else 1
