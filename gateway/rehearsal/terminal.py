"""The terminal's side of a conversation: lines in, with editing and history where there is a terminal."""

from __future__ import annotations

import contextlib
import sys
from datetime import datetime
from pathlib import Path

from gateway.rehearsal.noting import as_script
from gateway.rehearsal.talking import Conversation

__all__ = ["converse"]

PROMPT = "you: "


def converse(talk: Conversation, help_text: str) -> None:
    """Until who types has enough. Raises ConfigError."""
    typed = sys.stdin.isatty()
    if typed:
        # Importing it is enough: `input` edits lines then. Windows has none.
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401
    began = datetime.now(talk.persona.zone).replace(tzinfo=None, microsecond=0).isoformat()
    try:
        going = talk.begin()
        while going:
            line = input(PROMPT if typed else "").strip()
            if not typed and line:
                talk.show(f"{PROMPT}{line}")
            command, _, rest = line.partition(" ")
            match command:
                case "":
                    continue
                case "/help":
                    talk.show(help_text)
                case "/events":
                    talk.events = not talk.events
                case "/save":
                    talk.show(_saved(talk, rest.strip(), began))
                case "/keys" if not rest.strip():
                    talk.show("/keys needs the keys: /keys 123#")
                case "/quit" | "/again" | "/keys":
                    going = talk.order(line)
                case _ if command.startswith("/"):
                    talk.show(f"there is no {command}; /help tells what there is")
                case _:
                    going = talk.order(line)
    except (EOFError, KeyboardInterrupt):
        talk.show("")
    finally:
        talk.end()


def _saved(talk: Conversation, name: str, began: str) -> str:
    path = Path(name or f"{talk.persona.id}.yaml").expanduser()
    if path.exists():
        return f"{path} is there already; name another file: /save FILE"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_script(talk.persona.id, talk.course, began), encoding="utf-8")
    except OSError as fault:
        return f"{path} cannot be written ({fault.strerror}); name another file"
    return f"written to {path}: `parley persona test` reads it from the folder tests of PARLEY_PERSONAS_DIR"
