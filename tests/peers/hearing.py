"""What becomes of the caller's audio: the user's item, and its words (section 6.2)."""

from __future__ import annotations

from tests.peers.faults import Event
from tests.peers.script import Heard
from tests.peers.speaking import Steps
from tests.peers.usage import heard_usage

__all__ = ["transcribed", "user_item"]

DEFAULT_MODEL = "gpt-4o-mini-transcribe"


def user_item(item_id: str) -> Event:
    """The item of one turn; its audio is never sent back (section 4)."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }


def transcribed(item: Event, heard: Heard, transcription: Event, audio_ms: float) -> Steps:
    """The events of one transcription, which may come at any time after the commit; fills in the item."""
    if heard.wait_s:
        yield heard.wait_s
    kind = "conversation.item.input_audio_transcription"
    at = {"item_id": item["id"], "content_index": 0}
    if heard.failed:
        error = {
            "type": "transcription_error",
            "code": "audio_unintelligible",
            "message": "The audio could not be transcribed.",
            "param": None,
        }
        yield {"type": f"{kind}.failed", **at, "error": error}
        return
    item["content"][0]["transcript"] = heard.text
    model = transcription.get("model") or DEFAULT_MODEL
    # Section 3.4: whisper-1 gives its whole text in one delta.
    for word in [heard.text] if model == "whisper-1" else _words(heard.text):
        yield {"type": f"{kind}.delta", **at, "delta": word}
    used = heard_usage(model, heard.text, audio_ms)
    yield {"type": f"{kind}.completed", **at, "transcript": heard.text, "usage": used}


def _words(text: str) -> list[str]:
    return [word if at == 0 else f" {word}" for at, word in enumerate(text.split(" "))]
