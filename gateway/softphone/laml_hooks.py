"""Webhooks as Twilio writes them, and SignalWire and Telnyx (TeXML) after it (reference/telephony.md, 1.1 and 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import urlencode

from gateway.softphone.line import Facts, Request
from gateway.softphone.orders import Connect, Dial, Verb

__all__ = ["LamlHooks", "Sign"]

Sign = Callable[[str, Mapping[str, str]], Mapping[str, str]]
"""Headers that prove a form to a URL."""
ORDER = {"initiated": 0, "ringing": 1, "answered": 2}
"""Sequence numbers of what is told; the end comes last."""
STREAM_EVENTS = {"started": "stream-started", "stopped": "stream-stopped", "failed": "stream-error"}


class LamlHooks:
    """Forms. Of a number's calls only the end is told; of placed ones everything that was asked for."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign

    def voice(self, call: Facts, url: str, now: float, status: str = "ringing") -> Request:
        return self._form(url, self._fields(call, status))

    def after(self, call: Facts, url: str, verb: Verb, now: float) -> Request:
        more = {"DialCallStatus": "completed"} if isinstance(verb, Dial) else {}
        return self._form(url, self._fields(call, "in-progress") | more)

    def status(self, call: Facts, url: str, status: str, seconds: int | None, now: float) -> Request | None:
        if call.direction == "inbound" and status != "completed":
            return None
        fields = self._fields(call, "in-progress" if status == "answered" else status) | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(ORDER.get(status, len(ORDER)) if call.direction != "inbound" else 0),
            "Timestamp": formatdate(now),
        }
        if status == "completed":
            length = seconds or 0
            fields |= {"CallDuration": str(length), "Duration": str(-(-length // 60))}
        return self._form(url, fields)

    def verdict(self, call: Facts, url: str, answered_by: str, after_s: float) -> Request | None:
        fields = {"CallSid": call.call, "AccountSid": call.account, "AnsweredBy": answered_by}
        return self._form(url, fields | {"MachineDetectionDuration": str(round(after_s * 1000))})

    def stream_status(
        self, call: Facts, connect: Connect, stream: str, event: str, now: float
    ) -> Request | None:
        if connect.status_url is None:
            return None
        return self._form(
            connect.status_url,
            {
                "AccountSid": call.account,
                "CallSid": call.call,
                "StreamSid": stream,
                "StreamName": "",
                "StreamEvent": STREAM_EVENTS[event],
                "Timestamp": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )

    def _fields(self, call: Facts, status: str) -> dict[str, str]:
        return {
            "CallSid": call.call,
            "AccountSid": call.account,
            "ApiVersion": "2010-04-01",
            "From": call.caller,
            "To": call.called,
            "Caller": call.caller,
            "Called": call.called,
            "CallStatus": status,
            "Direction": call.direction,
        }

    def _form(self, url: str, fields: Mapping[str, str]) -> Request:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "parley-phone",
            **self._sign(url, fields),
        }
        return Request("POST", url, headers, urlencode(fields).encode())
