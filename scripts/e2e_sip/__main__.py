"""`make e2e-sip`: a real telephone call, with nothing of ours on the caller's side.

    baresip ── SIP, RTP ── Asterisk 22 ── chan_websocket ── Parley (embedded engine)

Asterisk and baresip come from Debian into a folder of the data directory, which is kept for the next time; Asterisk
is configured by `parley phone asterisk`. All runs in a network of its own. Recordings and logs stay beside the folder.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from gateway.pbx.asterisk import configuration
from gateway.pbx.plan import Plan
from scripts.e2e_sip import calls, exchange, server, telephone, world
from scripts.e2e_sip.folder import CannotPrepare, prepare

FOLDER = Path(__file__).parents[2] / "data/sip"
ROOT = FOLDER / "debian"
LONGEST_S = 600.0
ACCOUNT = "<sip:phone@127.0.0.1:5060>;auth_pass={password};regint={every};answermode=manual;audio_codecs=PCMU/8000/1"


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--inside", action="store_true", help="no namespaces: we are in them")
    if options.parse_args().inside:
        world.raise_loopback()
        return talk()
    if os.geteuid() or shutil.which("unshare") is None or shutil.which("apt-get") is None:
        print(
            "make e2e-sip: needs root on a Debian (chroot, unshare, apt-get). Nothing was done.",
            file=sys.stderr,
        )
        return 2
    try:
        prepare(ROOT)
    except CannotPrepare as error:
        print(f"make e2e-sip: {error}", file=sys.stderr)
        return 2
    try:
        inside = world.command_inside("scripts.e2e_sip", "--inside")
        return subprocess.run(inside, timeout=LONGEST_S, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"make e2e-sip: not through after {LONGEST_S:.0f} s", file=sys.stderr)
        return 1


def talk() -> int:
    secret, password = secrets.token_hex(24), secrets.token_hex(12)
    plan = Plan(
        f"ws://127.0.0.1:{server.PORT}",
        secret,
        password=password,
        bind="127.0.0.1:5060",
        rtp=(40_000, 40_100),
    )
    check = calls.Checks()
    last = FOLDER / "last"
    shutil.rmtree(last, ignore_errors=True)
    with exchange.running(ROOT, configuration(plan)) as asterisk:
        print(asterisk.ask("core show version").splitlines()[-1], flush=True)
        with (
            telephone.running(ROOT, 0, ACCOUNT.format(password=password, every=60)) as phone,
            telephone.running(ROOT, 1, ACCOUNT.format(password=password, every=0)) as second,
        ):
            print("nobody there")
            calls.registered(check, phone, asterisk)
            calls.busy(check, phone, "without Parley the caller hears that the line is busy")
            settings = {"PARLEY_ASTERISK_SECRET": secret, "PARLEY_PHONE_PERSONA": "dental_reception"}
            with server.running(last, **settings) as parley:
                print("a conversation")
                calls.conversation(check, phone, asterisk, parley, last / "conversation.wav")
                print("the agent hangs up, with one line")
                calls.goodbye(check, phone, second, asterisk, parley)
    shutil.copytree(
        ROOT / "run/parley", last / "run", ignore=shutil.ignore_patterns("said-*", "silence.wav", "*.ctl")
    )
    print(
        f"{'all is well' if not check.failed else f'{len(check.failed)} not right'}; logs and recordings: {last}"
    )
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
