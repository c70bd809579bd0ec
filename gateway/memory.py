"""The process's own memory: how much of it lies idle between calls."""

from __future__ import annotations

import ctypes
import gc

__all__ = ["keep_together", "settle", "start"]

M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
"""malloc.h of glibc."""
ARENAS = 2
LARGE = 128 * 1024
"""Bytes of what is the system's own piece of memory, and goes back to it as a whole."""
THRESHOLDS = gc.get_threshold()
"""As the interpreter has them."""


def keep_together() -> bool:
    """Have all threads allocate from two heaps, before any of them is started, and nothing large from either. False
    where the allocator is not glibc's.

    It gives a new thread one of eight heaps per processor. Every call has a thread of its own, which decodes, so
    each of them would grow in its turn, over a thousand calls, to what a single call needs.

    What is large it would take from the heaps too, once something as large was given back (mallopt(3)): then what comes
    and goes with calls, a voice detector's 9 MB before all, leaves holes in the heaps, which what comes next does not
    quite fill.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all([mallopt(M_ARENA_MAX, ARENAS) == 1, mallopt(M_MMAP_THRESHOLD, LARGE) == 1])


def start() -> None:
    """Have the collector look for nothing until `settle`.

    What imports make stays, and to look through it again and again as it grows is a tenth of a start's time and more.
    What of it is garbage is less than a megabyte, once.
    """
    gc.disable()


def settle() -> None:
    """What start-up made stays: out of the collector's sight, the rest is looked through often and quickly.

    Otherwise the cycles of ended calls wait until they are a quarter of everything, 80 kB a call. And since much of
    that is no object that the collector counts (TLS, SRTP, codecs), it is to look through all every third time, not
    every eleventh: 5 MB less at the peak. While many calls live it still waits for a quarter of them.
    """
    # Not looked through first: that would take some tenths of a second, and a call may have begun.
    gc.freeze()
    gc.collect()  # which makes the collector forget the size of what was frozen
    young, middle, _ = THRESHOLDS
    gc.set_threshold(young, middle, 2)
    gc.enable()
