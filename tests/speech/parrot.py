"""A worker for tests of the pool: says back what it is told, and misbehaves on request.

`python -m tests.speech.parrot [stillborn]`
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gateway.speech.frames import Message
from gateway.speech.worker import Handler, serve

__all__ = ["start"]


def start() -> tuple[dict[str, object], Handler]:
    if "stillborn" in sys.argv:
        sys.exit(3)
    lessons: list[object] = []

    def handle(request: Message) -> Message:
        head = request.head
        match head.get("op"):
            case "say":
                return Message(
                    {"said": head.get("what"), "pid": os.getpid(), "lessons": lessons}, request.body
                )
            case "learn":
                lessons.append(head.get("what"))
                return Message()
            case "refuse":
                raise ValueError("no")
            case "wait":
                until = Path(str(head["until"]))
                while not until.exists():
                    time.sleep(0.005)
                return Message({"pid": os.getpid()})
            case "die":
                os._exit(9)
            case "die once":
                flag = Path(str(head["flag"]))
                if flag.exists():
                    return Message({"pid": os.getpid()})
                flag.touch()
                os._exit(9)
            case "break":
                raise RuntimeError("secret words")
            case "babble":
                os.write(0, b"\xff" * 64)
                return Message()
            case _:
                raise ValueError("what?")

    return {"engine": "parrot"}, handle


if __name__ == "__main__":
    serve(start)
