"""Our own Asterisk: its WebSockets, and its AudioSockets."""

from __future__ import annotations

import ipaddress

from pydantic import Field, SecretStr, field_validator

from gateway.settings.room import Room

__all__ = ["Asterisk"]


class Asterisk(Room):
    asterisk_secret: SecretStr | None = Field(
        None,
        validation_alias="PARLEY_ASTERISK_SECRET",
        description="What our own Asterisk proves itself with.",
    )
    audiosocket: str | None = Field(
        None,
        validation_alias="PARLEY_AUDIOSOCKET",
        description="host:port to listen on for Asterisk's AudioSocket (TCP, not encrypted).",
    )
    audiosocket_from: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_AUDIOSOCKET_FROM",
        description="Addresses whose AudioSockets need no UUID of ours.",
    )

    @field_validator("audiosocket_from")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(
                    f"{one!r} is no address and no network: 192.0.2.5 or 192.0.2.0/24"
                ) from None
        return value

    @field_validator("audiosocket")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            host, _, port = value.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
                raise ValueError("must be host:port, as 127.0.0.1:9092")
        return value
