"""What the server's events tell of a call: its course, and whether the agent has come to its end. Pure."""

from __future__ import annotations

from typing import Any

from gateway.rehearsal.course import Course

__all__ = ["Reading"]


class Reading:
    """Reads every event of one call (openai types: RealtimeServerEvent)."""

    def __init__(self) -> None:
        self.course = Course()
        self.session_id = ""
        self.owed = False
        """An answer is to begin: the caller said something, or a tool has answered."""
        self._active: set[str] = set()
        """Responses that run."""
        self._sounding: set[str] = set()
        """Responses that are being played."""

    @property
    def running(self) -> bool:
        return bool(self._active or self._sounding)

    def over(self) -> None:
        """Nothing more comes."""
        self.owed = False
        self._active.clear()
        self._sounding.clear()

    def take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.created":
                self.session_id = event["session"].get("id") or ""
            case "response.created":
                self._active.add(event["response"]["id"])
                self.owed = False
            case "response.output_text.done":
                self.course.agent(event["text"])
            case "response.output_audio_transcript.done":
                self.course.agent(event["transcript"])
            case "conversation.item.input_audio_transcription.completed":
                self.course.heard(event.get("transcript") or "")
            case "output_audio_buffer.started":
                self._sounding.add(event["response_id"])
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                self._sounding.discard(event["response_id"])
            case "response.output_item.done":
                self._item(event["item"])
            case "response.done":
                self._done(event["response"])
            case "error":
                error = event.get("error") or {}
                self.course.fault = f"error {error.get('code')}: {error.get('message')}"
                self.owed = False
            case _:
                pass

    def _item(self, item: dict[str, Any]) -> None:
        if item.get("type") == "mcp_call":
            error = item.get("error")
            output = item.get("output") if error is None else error.get("message", "")
            self.course.used(item["name"], item.get("arguments", ""), output or "", ok=error is None)

    def _done(self, response: dict[str, Any]) -> None:
        self._active.discard(response["id"])
        if response.get("status") == "failed":
            error = (response.get("status_details") or {}).get("error") or {}
            reason = error.get("code") or error.get("type") or "no reason given"
            self.course.fault = f"the model failed: {reason}"
        if any(item.get("type") in ("mcp_call", "function_call") for item in response.get("output") or ()):
            self.owed = True
