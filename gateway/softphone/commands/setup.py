"""Print what to configure at a carrier, field by field, with the addresses of this server, and check what can be
checked from here: the settings, the public address, and what answers there. Secrets are never printed.
"""

from __future__ import annotations

import argparse

__all__ = ["SUMMARY", "define", "run"]

SUMMARY = "print what to configure at a carrier, and check that this server is ready for it"


def define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("carrier", nargs="?", help="whose console is open; without it all are listed")
    parser.add_argument(
        "--public-url", help="address under which the carrier reaches us (PARLEY_PUBLIC_URL)"
    )
    parser.add_argument("--offline", action="store_true", help="do not ask the public address")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """0 when the server is ready, 1 when something is missing, 2 for a carrier that is not there."""
    import sys

    from gateway.checks.sheet import sheet
    from gateway.config import from_env
    from gateway.softphone import setting_up

    settings = from_env(public_url=options.public_url)
    if options.carrier is None:
        print(setting_up.listed(settings))
        return 0
    try:
        sheet(options.carrier)
    except LookupError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 2
    guide = setting_up.look(options.carrier, settings, offline=options.offline)
    print(setting_up.as_json(guide) if options.json else setting_up.as_text(guide))
    return 0 if guide.ready else 1
