"""The command `parley`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from threading import Thread
from typing import TYPE_CHECKING

from gateway import log, memory
from gateway.errors import ConfigError, StoreError
from gateway.load import cli as load
from gateway.rehearsal import cli as rehearsal
from gateway.replay import arguments as replay
from gateway.softphone import cli

if TYPE_CHECKING:
    from gateway.config import Settings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a fault was found, 2 wrong settings or usage."""
    options = parser().parse_args(arguments)
    if options.command == "doctor":
        from gateway import doctor

        return doctor.main(as_json=options.json, host=options.host, port=options.port)
    try:
        if options.command == "phone":
            return cli.run(options)
        if options.command == "replay":
            from gateway.replay.cli import run as run_replay

            return run_replay(options)
        if options.command == "persona":
            return rehearsal.run(options)
        if options.command == "load":
            return load.run(options)
        if options.command == "serve":
            # Before anything large is imported.
            memory.start()
        from gateway.config import from_env

        settings = from_env(host=options.host, port=options.port, workers=getattr(options, "workers", None))
        log.set_up(settings.log_level, settings.log_format)
        if options.command == "serve" and options.seat is not None:
            return work(settings, options.seat)
        if options.command == "serve" and settings.worker_count > 1:
            return serve(settings, options)
        return run(options.command, settings)
    except ConfigError as error:
        for fault in error.faults:
            print(f"parley: {fault}", file=sys.stderr)
        return 2
    except StoreError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2


def run(command: str, settings: Settings) -> int:
    """Serve. The heavy imports come only now, so that usage errors are quick."""
    from gateway import files

    memory.keep_together()
    files.raise_limit()

    import uvloop

    if command == "serve":
        load_detectors()

    from gateway import main as gateway_main

    work = gateway_main.engine if command == "engine" else gateway_main.serve
    uvloop.run(work(settings, announce))
    return 0


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve with several workers: this process is their parent, and needs little of what they import."""
    from gateway import files

    files.raise_limit()

    import uvloop

    from api.limits import InProcessLimiter, Rate
    from api.surfaces.telephony.proofs.tickets import Seen
    from gateway.workers import parent

    memory.settle()

    limiter, seen = InProcessLimiter(), Seen()
    arguments = ["--workers", str(settings.worker_count)]
    if options.host is not None:
        arguments += ["--host", options.host]
    return uvloop.run(
        parent.serve(
            settings,
            arguments,
            lambda rate, who: limiter.take(Rate(*rate), who),
            lambda proof: seen.first(proof, time.time()),
            announce,
        )
    )


def work(settings: Settings, seat: str) -> int:
    """Be one of several workers."""
    from gateway import files

    memory.keep_together()
    files.raise_limit()

    import uvloop

    load_detectors()

    from gateway import main as gateway_main
    from gateway.workers.seat import Seat

    uvloop.run(gateway_main.work(settings, Seat.from_text(seat)))
    return 0


def load_detectors() -> None:
    """Begin to load the voice detectors. It takes as long as a quarter of the imports, and no interpreter: so beside
    them, on another processor. `open_gateway` waits for it."""
    from media.speech_likeness import preload

    Thread(target=preload, name="detectors").start()


def announce(line: str) -> None:
    print(line, flush=True)


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="parley", description="A realtime voice agent gateway.")
    whole.add_argument("--version", action="version", version=f"parley {version('parley')}")
    commands = whole.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="take calls, until stopped")
    engine = commands.add_parser(
        "engine", help="serve the embedded engine alone, as an OpenAI Realtime server"
    )
    doctor = commands.add_parser("doctor", help="check this machine and the settings, and say what to do")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    # Given by the parent of several workers to each, and by nobody else.
    serve.add_argument("--seat", help=argparse.SUPPRESS)
    for command in (serve, doctor):
        command.add_argument("--workers", help="processes that carry calls, or auto (PARLEY_WORKERS)")
    for command in (serve, engine, doctor):
        command.add_argument("--host", help="address to listen on (PARLEY_HOST)")
        command.add_argument("--port", help="port to listen on (PARLEY_PORT)")
    replay.define(
        commands.add_parser(
            "replay", help="a recorded call again: its timeline, and whether it goes the same way"
        )
    )
    cli.define(commands.add_parser("phone", help="call this server without a carrier, or set a carrier up"))
    rehearsal.define(commands.add_parser("persona", help=rehearsal.SUMMARY))
    load.define(commands.add_parser("load", help=load.SUMMARY))
    return whole


if __name__ == "__main__":
    sys.exit(main())
