"""The worker's end of a pool: read a request, answer it, until the pool closes the socket.

A worker lives exactly as long as the other end of its standard input: when the gateway exits, crashes or is
killed, the read ends and so does the worker. Signals meant for the gateway (Ctrl-C, a service manager's SIGTERM
to the whole group) are ignored, so that the calls being drained keep their ears and voice.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable

from gateway.speech.frames import Frames, Message, encode

__all__ = ["serve"]

Handler = Callable[[Message], Message]


def serve(start: Callable[[], tuple[dict[str, object], Handler]]) -> None:
    """Run one worker process to its end. `start` loads the engine and gives what to say when ready, and the
    handler of requests. A handler's ValueError is answered as a refusal; anything else ends the process, so
    that a damaged engine never serves a second request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wire = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    with wire:
        try:
            ready, handle = start()
            wire.sendall(encode(Message({"ready": ready})))
            frames = Frames()
            while data := wire.recv(1 << 18):
                for request in frames.feed(data):
                    wire.sendall(encode(_answer(handle, request)))
        except (BrokenPipeError, ConnectionResetError):
            return


def _answer(handle: Handler, request: Message) -> Message:
    try:
        return handle(request)
    except ValueError as error:
        return Message({"error": str(error)})
    except Exception:  # noqa: BLE001 - the process ends: see serve
        # A traceback shows our own lines only; the exception's text could hold speech.
        print("".join(traceback.format_tb(sys.exc_info()[2])), file=sys.stderr)  # noqa: T201 - a worker has no logging
        sys.exit(70)
