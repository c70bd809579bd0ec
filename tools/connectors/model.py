"""`connectors.yaml`: what built-in tools act through in place of Parley's own records, and what gives further tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time
from email.utils import parseaddr
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tools.http.model import Auth
from tools.secrets import SecretRef
from tools.yaml_file import Fault

__all__ = ["CalDav", "ConnectorsFile", "Hours", "Mail", "check"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])")

Hours = Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")]


class _Part(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class CalDav(_Part):
    """A calendar on a CalDAV server: `find_slots` and `book_appointment` act on it."""

    url: str = Field(max_length=2000, description="The calendar's own URL, as the server shows it.")
    auth: Auth | None = None
    provider: str = Field(
        "", max_length=80, description="Who the appointments are with, as callers are told."
    )
    timezone: str = Field(description="IANA zone of the business.")
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], tuple[Hours, ...]] = Field(
        min_length=1, description='When appointments begin and end: {mon: ["09:00-12:00", "13:00-17:00"]}.'
    )
    slot_minutes: int = Field(30, ge=5, le=480)
    days_ahead: int = Field(60, ge=1, le=365)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no IANA time zone, such as America/New_York") from None
        return value

    def opening(self, weekday: int) -> list[tuple[time, time]]:
        """Of a day, 0 for Monday."""
        found = []
        for text in self.hours.get(DAYS[weekday], ()):  # type: ignore[call-overload]  # the keys are these
            begin, _, end = text.partition("-")
            found.append((time.fromisoformat(begin), time.fromisoformat(end)))
        return found


class Mail(_Part):
    """A mail server: it gives the tool `send_email`."""

    host: str = Field(max_length=253)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretRef | None = None
    sender: str = Field(max_length=320, description='Who it is from: "Bright Dental <desk@example.com>".')
    to: tuple[str, ...] = Field(
        min_length=1,
        description="Whom it may write to: addresses, `*` as in file names; `*@*` for anybody.",
    )
    approval: bool = False
    trust: str | None = Field(
        None, description="File of a certificate to trust, for a server with its own."
    )

    @field_validator("sender")
    @classmethod
    def _address(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or any(ord(char) < 32 for char in value):
            raise ValueError("write `Name <name@example.com>`")
        return value


class ConnectorsFile(_Part):
    calendars: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], CalDav] = Field(
        {}, max_length=32, description="By the name that personas have under `calendar`."
    )
    mail: Mail | None = None

    @property
    def secret_names(self) -> list[str]:
        named = [calendar.auth.secret for calendar in self.calendars.values() if calendar.auth is not None]
        return named + ([self.mail.password.secret] if self.mail is not None and self.mail.password else [])


def check(file: ConnectorsFile) -> Iterator[Fault]:
    """What the fields do not tell alone."""
    for name, calendar in file.calendars.items():
        at = ("calendars", name)
        if not re.match(r"https?://[^/?#@]+/", calendar.url):
            yield (*at, "url"), "write https://host/path/of/the/calendar/"
        if calendar.auth is not None and (
            calendar.auth.query is not None or calendar.auth.sign is not None
        ):
            yield (*at, "auth"), "must be basic, bearer or header here"
        for day, spans in calendar.hours.items():
            for span in spans:
                begin, _, end = span.partition("-")
                if not begin < end or int(begin[:2]) > 23 or int(end[:2]) > 23:
                    yield (*at, "hours", day), f"{span!r} does not end after it begins, within one day"
    mail = file.mail
    if mail is not None:
        if (mail.user is None) != (mail.password is None):
            yield ("mail",), "has one of user and password; add the other"
        if mail.security == "none" and mail.password is not None:
            yield ("mail", "security"), "a password would travel in the clear; use starttls or tls"
