"""The command `parley load`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.config import Settings
    from gateway.load.plan import Plan, Threshold

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "call any voice gateway many times at once, and tell what its callers hear"
DESCRIPTION = """\
Call a voice gateway many times at once, with recorded speech, and tell what its callers hear: how long they wait, how
soon it is silent when they interrupt, what is missing from its voice. Parley, or any other server.

  parley load                                       ten WebRTC calls to Parley on this machine, for a minute
  parley load --kind webrtc,phone,ws --calls 30     all three kinds, in turn
  parley load http://127.0.0.1:9200/offer --offer json                a server that takes {sdp, type}
  parley load ws://127.0.0.1:9200/media-stream --kind phone           a server for Twilio's Media Streams
  parley load --calls 50 --loss 1 --jitter 20 --html report.html --fail-if 'first_audio_p95>800' --fail-if 'failed>0'
"""
EPILOG = """\
Ctrl-C ends all calls and reports what was measured so far. Exit code: 0; 1 when a --fail-if holds, or no call
stood to the end; 2 for wrong usage. docs/load.md tells what each figure means.
"""
MANY = 50
"""More calls than this to another machine are not begun without a warning."""
WARNED_S = 5


def define(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("url", nargs="?", metavar="URL", help="the server (default: PARLEY_HOST and PARLEY_PORT)")
    add(
        "--kind",
        default="webrtc",
        metavar="KINDS",
        help="webrtc, phone, ws: one or several (default: webrtc)",
    )
    add("--calls", type=int, default=10, metavar="N", help="how many at once (default: 10)")
    add("--duration", type=float, default=60.0, metavar="S", help="of the run, in seconds (default: 60)")
    add("--ramp", type=float, default=5.0, metavar="S", help="from the first call to the last (default: 5)")

    talk = parser.add_argument_group("what callers do")
    add = talk.add_argument
    add("--speech", type=Path, action="append", metavar="WAV", help="say this; several are said in turn")
    add("--interruption", type=Path, metavar="WAV", help="said over the agent (default: a short one)")
    add("--lead", type=float, default=3.0, metavar="S", help="before the first word (default: 3)")
    add(
        "--patience",
        type=float,
        default=10.0,
        metavar="S",
        help="how long a reply is awaited (default: 10)",
    )
    add(
        "--barge-in-every",
        type=int,
        default=3,
        metavar="N",
        help="interrupt each Nth reply; 0: none (default: 3)",
    )
    add(
        "--barge-in-after",
        type=float,
        default=1.2,
        metavar="S",
        help="of the agent's speech (default: 1.2)",
    )
    add("--loss", type=float, default=0.0, metavar="PERCENT", help="of the callers' RTP packets (WebRTC)")
    add("--jitter", type=float, default=0.0, metavar="MS", help="delay each frame by up to so much")

    server = parser.add_argument_group("the server")
    add = server.add_argument
    add("--bearer", metavar="KEY", help="sent as Authorization: Bearer KEY")
    add("--header", action="append", default=[], metavar="'NAME: VALUE'", help="sent with each call")
    add("--webrtc-path", metavar="PATH", help="default: /v1/realtime/calls")
    add(
        "--offer",
        choices=("raw", "json"),
        default="raw",
        help="raw: application/sdp (default); json: {sdp, type}",
    )
    add(
        "--field",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="more of the JSON offer; {n} is the call",
    )
    add("--ws-path", metavar="PATH", help="default: /v1/realtime?model=gpt-realtime")
    add("--phone-path", metavar="PATH", help="open this media socket at once, without a webhook")
    add(
        "--carrier",
        default="twilio",
        help="whose dialect, and webhook at /telephony/CARRIER/voice (default: twilio)",
    )
    add("--persona", help="who answers the phone (Parley)")
    add("--insecure", action="store_true", help="take any certificate")
    add("--pid", type=int, help="measure CPU and memory of this process and its children")
    add(
        "--tones",
        action="store_true",
        help="the server answers each call by a tone of its own: check for cross-talk",
    )
    add(
        "--reply-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="how long each of its replies sounds, where all are alike: less is counted as lost",
    )
    add("--yes", action="store_true", help=f"no warning before more than {MANY} calls to another machine")

    told = parser.add_argument_group("the report")
    add = told.add_argument
    add("--json", metavar="FILE", help="write it as JSON; - for standard output, in place of the table")
    add("--html", type=Path, metavar="FILE", help="write it as a page with plots")
    add("--fail-if", action="append", default=[], metavar="FIGURE>N", help="exit code 1 when it holds")
    add("--quiet", action="store_true", help="tell nothing while it runs")


def run(options: argparse.Namespace) -> int:
    """The exit code. Raises ConfigError."""
    from gateway.config import from_env
    from gateway.load.plan import Threshold, Unclear
    from gateway.load.usage import NoProcess
    from gateway.softphone.sound import Unusable

    settings = from_env()
    try:
        plan = _plan(options, settings)
        thresholds = [Threshold.read(text) for text in options.fail_if]
        _check(thresholds)
        return _run(options, plan, settings, thresholds)
    except (Unclear, Unusable, NoProcess) as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2


def _plan(options: argparse.Namespace, settings: Settings) -> Plan:
    """Raises Unclear."""
    from urllib.parse import urlsplit

    from gateway import plugins
    from gateway.load.plan import KINDS, Plan, Unclear
    from gateway.softphone import lines

    url = options.url or f"http://{settings.host}:{settings.port}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.netloc:
        raise Unclear(f"{url!r} is no address of a server: http://127.0.0.1:8080")
    kinds = tuple(one.strip() for one in options.kind.split(",") if one.strip())
    if not kinds or set(kinds) - set(KINDS):
        raise Unclear(f"--kind {options.kind!r}: there is {', '.join(KINDS)}")
    if len(kinds) > 1 and parts.path.rstrip("/"):
        raise Unclear(
            "a URL with a path is for one kind: name the paths by --webrtc-path, --phone-path, --ws-path"
        )
    known = plugins.names(lines.__name__)
    if options.carrier not in known:
        raise Unclear(
            f"--carrier {options.carrier}: that one cannot be played; there is: {', '.join(known)}"
        )
    for name, least, most in (
        ("calls", 1, 10_000), ("duration", 1, 86_400), ("ramp", 0, 86_400), ("lead", 0, 3600), ("patience", 1, 3600),
        ("barge_in_every", 0, 10_000), ("barge_in_after", 0, 3600), ("loss", 0, 100), ("jitter", 0, 1000),
        ("reply_ms", 0, 600_000),
    ):  # fmt: skip
        if not least <= getattr(options, name) <= most:
            raise Unclear(f"--{name.replace('_', '-')} is a number from {least} to {most}")
    headers = dict(_pair(text, ":", "--header", "'Name: value'") for text in options.header)
    if options.bearer:
        headers["Authorization"] = f"Bearer {options.bearer}"
    paths = {"webrtc": options.webrtc_path, "phone": options.phone_path, "ws": options.ws_path}
    return Plan(
        url, kinds, options.calls, options.duration, options.ramp, options.lead, options.patience,
        options.barge_in_every, options.barge_in_after, options.loss, options.jitter, tuple(options.speech or ()),
        options.interruption, headers, {kind: f"/{path.lstrip('/')}" for kind, path in paths.items() if path},
        options.offer, dict(_pair(text, "=", "--field", "NAME=VALUE") for text in options.field), options.carrier,
        options.persona, options.insecure, options.tones, options.pid, options.reply_ms,
    )  # fmt: skip


def _pair(text: str, by: str, option: str, form: str) -> tuple[str, str]:
    from gateway.load.plan import Unclear

    name, found, value = text.partition(by)
    if not found or not name.strip():
        raise Unclear(f"{option} {text!r} is not {form}")
    return name.strip(), value.strip()


def _check(thresholds: list[Threshold]) -> None:
    """Before anybody is called: there are such figures. Raises Unclear."""
    from dataclasses import fields

    from gateway.load.figures import Usage, kind_figures, value_of
    from gateway.load.plan import Unclear

    server = {field.name: 0.0 for field in fields(Usage)}
    empty: dict[str, Any] = {"figures": {"all": kind_figures([], tones=True, reply_ms=1)}, "server": server}
    for threshold in thresholds:
        try:
            value_of(empty, threshold.figure)
        except KeyError:
            raise Unclear(
                f"--fail-if {threshold.text}: there is no figure {threshold.figure}; "
                "there is first_audio_p95, barge_in_p95, connect_p95, failed, refused, missed_replies, glitches …"
            ) from None


def _run(options: argparse.Namespace, plan: Plan, settings: Settings, thresholds: list[Threshold]) -> int:
    import asyncio
    import json
    import signal
    import time

    import uvloop

    from gateway import files
    from gateway.load.figures import broken, in_vain
    from gateway.load.page import page
    from gateway.load.progress import Progress
    from gateway.load.report import table
    from gateway.load.run import perform

    if plan.calls > MANY and not plan.loopback and not options.yes:
        print(
            f"parley: {plan.calls} calls to {plan.origin}, another machine. Is it yours, or its owner's wish? "
            f"They begin in {WARNED_S} s; Ctrl-C stops that, --yes leaves this out.",
            file=sys.stderr,
        )
        try:
            time.sleep(WARNED_S)
        except KeyboardInterrupt:
            return 130
    files.raise_limit()
    progress = Progress(sys.stderr, quiet=options.quiet)

    async def go() -> dict[str, Any]:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await perform(plan, settings, stop, progress.show)

    try:
        report = uvloop.run(go())
    finally:
        progress.close()
    report["failed_thresholds"] = broken(report, thresholds)
    if options.json == "-":
        print(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        print(table(report))
        if options.json:
            Path(options.json).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if options.html:
        options.html.write_text(page(report))
    for one in report["failed_thresholds"]:
        print(f"parley: --fail-if {one}", file=sys.stderr)
    return 1 if report["failed_thresholds"] or in_vain(report) else 0
