"""Webhooks as Twilio writes them, and SignalWire and Telnyx (TeXML) after it (reference/telephony.md, 1.1 and 1.5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from urllib.parse import urlencode

from gateway.softphone.line import Facts, Request
from gateway.softphone.orders import Connect, Dial, Verb

__all__ = ["LamlHooks", "Sign"]

Sign = Callable[[str, Mapping[str, str]], Mapping[str, str]]
"""Headers that prove a form to a URL."""
STREAM_EVENTS = {"started": "stream-started", "stopped": "stream-stopped", "failed": "stream-error"}


class LamlHooks:
    """Forms. Of a number's calls only the end is told, once."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign

    def voice(self, call: Facts, url: str, now: float) -> Request:
        return self._form(url, self._fields(call, "ringing"))

    def after(self, call: Facts, url: str, verb: Verb, now: float) -> Request:
        more = {"DialCallStatus": "completed"} if isinstance(verb, Dial) else {}
        return self._form(url, self._fields(call, "in-progress") | more)

    def status(self, call: Facts, url: str, status: str, seconds: int | None, now: float) -> Request | None:
        if status != "completed":
            return None
        length = str(seconds or 0)
        return self._form(
            url,
            self._fields(call, "completed")
            | {
                "CallDuration": length,
                "Duration": str(-(-int(length) // 60)),
                "CallbackSource": "call-progress-events",
                "SequenceNumber": "0",
                "Timestamp": formatdate(now),
            },
        )

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
                "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
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
