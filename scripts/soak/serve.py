"""Parley as `parley serve` runs it, which tells on SIGUSR1 what runs in its loop. Only the soak starts it: the product
has no such surface."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import re
import signal
from collections import Counter

import uvloop

from gateway import files, log, main, memory
from gateway.config import from_env

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def tell() -> None:
    gc.collect()
    if (
        _trim is not None
    ):  # glibc's: else what was freed stays the process's, and comes and goes by megabytes
        _trim(0)
    names = Counter(
        re.sub(r"[_:-][0-9a-zA-Z_-]{8,}$|\d+", "", task.get_name()) for task in asyncio.all_tasks()
    )
    print(f"soak {json.dumps(names)}", flush=True)


async def serve() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    await main.serve(settings, lambda line: print(line, flush=True))


if __name__ == "__main__":
    settings = from_env(host="127.0.0.1", port="0")
    log.set_up(settings.log_level, settings.log_format)
    memory.keep_together()
    files.raise_limit()
    uvloop.run(serve())
