"""How many files the process may have open: every socket is one.

The soft limit that a process starts with is 1024 nearly everywhere, for the sake of programs that use `select`; the
hard one is where the operator's wish stands (setrlimit(2); systemd.exec(5), LimitNOFILE). With the soft one a thousand
connections that say nothing would leave none for a caller.
"""

from __future__ import annotations

import resource

__all__ = ["allowed", "raise_limit"]

AT_MOST = 65_536


def allowed(soft: int, hard: int) -> int:
    """What the soft limit may become: the hard one, within reason. Never less than it is; -1 is no limit."""
    if soft == resource.RLIM_INFINITY:
        return soft
    return max(soft, AT_MOST if hard == resource.RLIM_INFINITY else min(hard, AT_MOST))


def raise_limit() -> int:
    """As many as are allowed, from now on; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = allowed(soft, hard)
    if wanted != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
