"""Settings of the whole process, so each is tried in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import memory

pytestmark = pytest.mark.unit

HEAPS = """
import ctypes, re, sys, threading
from gateway import memory

assert memory.keep_together()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
together = threading.Barrier(13)

def allocate():
    libc.malloc(1000)
    together.wait(10)

threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads: thread.start()
together.wait(10)
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""

LARGE = """
import ctypes
from gateway import memory

assert memory.keep_together()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

class Info(ctypes.Structure):
    _fields_ = [(str(number), ctypes.c_size_t) for number in range(10)]

libc.mallinfo2.restype = Info

def outside():
    return getattr(libc.mallinfo2(), "4")

before = outside()
for _ in range(3):
    piece = libc.malloc(4 << 20)
    assert outside() >= before + (4 << 20)
    libc.free(piece)
    assert outside() <= before
"""

SETTLED = """
import gc
from gateway import memory

usual = gc.get_threshold()
memory.start()
assert not gc.isenabled()
memory.settle()
assert gc.get_threshold()[:2] == usual[:2]
assert gc.get_freeze_count() > 1000 and gc.isenabled()
assert gc.get_threshold()[2] == 2
"""


def test_a_dozen_threads_share_two_heaps(tmp_path: Path) -> None:
    if platform.libc_ver()[0] != "glibc":  # then there is no such thing as a heap per thread
        assert not memory.keep_together()
        return
    subprocess.run([sys.executable, "-c", HEAPS, str(tmp_path / "info")], check=True, timeout=30)
    assert (tmp_path / "info").read_text().count("<heap nr=") <= 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_what_is_large_goes_back_to_the_system_whatever_went_back_before() -> None:
    subprocess.run([sys.executable, "-c", LARGE], check=True, timeout=30)


def test_what_start_up_made_is_out_of_the_collectors_sight() -> None:
    subprocess.run([sys.executable, "-c", SETTLED], check=True, timeout=30)
