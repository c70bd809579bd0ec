"""Write the configuration that connects an Asterisk 22 with Parley: a telephone or a trunk there, and its calls to
Parley over chan_websocket. Without --out all files are printed.
"""

from __future__ import annotations

import argparse

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "write the configuration of an Asterisk that connects its calls with this server"


def define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", metavar="DIR", help="folder to write the files into; nothing in it is replaced"
    )
    parser.add_argument(
        "--server", metavar="URL", help="ws://host:port or wss://host of this server as Asterisk reaches it"
    )
    parser.add_argument("--endpoint", metavar="NAME", default="phone", help="name of the endpoint (phone)")
    parser.add_argument(
        "--trunk",
        metavar="HOST",
        default="",
        help="the endpoint is a trunk that calls from this host, not a telephone",
    )
    parser.add_argument(
        "--extension",
        metavar="PATTERN",
        action="append",
        help="what is dialled to reach Parley, may be given again (_[+0-9]!: every number)",
    )
    parser.add_argument("--persona", metavar="ID", default="", help="who answers (PARLEY_PHONE_PERSONA)")
    parser.add_argument("--codec", default="ulaw", help="ulaw or alaw, on both sides (ulaw)")
    parser.add_argument(
        "--bind", metavar="ADDRESS:PORT", default="0.0.0.0:5060", help="of SIP (0.0.0.0:5060)"
    )
    parser.add_argument(
        "--rtp", metavar="FIRST-LAST", default="10000-20000", help="of the sound (10000-20000)"
    )


def run(options: argparse.Namespace) -> int:
    """0 when the files are printed or written. Raises ConfigError."""
    import secrets
    import sys

    from gateway.config import from_env
    from gateway.errors import ConfigError
    from gateway.pbx.asterisk import configuration
    from gateway.pbx.plan import Plan, ports
    from gateway.softphone import writing

    settings = from_env()
    kept = settings.asterisk_secret
    server = options.server or writing.socket_of(settings)
    if options.persona and options.persona not in (known := writing.persona_ids(settings)):
        raise ConfigError([f"--persona: there is no {options.persona!r}; there is: {', '.join(known)}"])
    plan = Plan(
        server=server,
        secret=secrets.token_hex(24) if kept is None else kept.get_secret_value(),
        endpoint=options.endpoint,
        password=secrets.token_hex(12),
        trunk=options.trunk,
        extensions=tuple(options.extension or ("_[+0-9]!",)),
        persona=options.persona,
        codec=options.codec,
        bind=options.bind,
        rtp=ports(options.rtp),
    )
    files = configuration(plan)
    if options.out is None:
        print("\n".join(files.values()))
    else:
        for path in writing.write(files, options.out):
            print(path)
        print(writing.NEXT)
    if kept is None:
        print(
            "parley: set PARLEY_ASTERISK_SECRET to the password in websocket_client.conf", file=sys.stderr
        )
    return 0
