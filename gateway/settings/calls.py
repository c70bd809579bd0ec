"""How calls connect, how many there may be, and what one may cost."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import Field, field_validator

from gateway.settings.room import Room

__all__ = ["Calls"]


class Calls(Room):
    ice_addresses: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_ICE_ADDRESSES",
        description="Host candidates to offer, loopback allowed; default: every interface.",
    )
    ice_servers: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_ICE_SERVERS",
        description="stun: URLs the server itself uses; none by default.",
    )
    max_calls: int = Field(
        50,
        ge=1,
        le=10_000,
        validation_alias="PARLEY_MAX_CALLS",
        description="Calls at once; the next gets an honest 503.",
    )
    max_lag_ms: float = Field(
        100.0,
        gt=0,
        le=10_000,
        validation_alias="PARLEY_MAX_LAG_MS",
        description="Event loop this late as a rule: no more calls.",
    )
    setup_s: float = Field(
        15.0,
        gt=0,
        le=60,
        validation_alias="PARLEY_SETUP_S",
        description="How long a caller may take to connect.",
    )
    drain_s: float = Field(
        30.0,
        ge=0,
        le=3600,
        validation_alias="PARLEY_DRAIN_S",
        description="How long calls may go on after SIGTERM.",
    )
    budget_usd: float | None = Field(
        None,
        gt=0,
        le=10_000,
        validation_alias="PARLEY_BUDGET_USD",
        description="What one call may cost; a persona may allow less.",
    )
    prices: Path | None = Field(
        None,
        validation_alias="PARLEY_PRICES",
        description="Price table that is laid over Parley's own.",
    )
    ears_workers: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="PARLEY_EARS_WORKERS",
        description="Worker processes that recognise speech.",
    )
    voice_workers: int = Field(
        1,
        ge=1,
        le=64,
        validation_alias="PARLEY_VOICE_WORKERS",
        description="Worker processes that speak.",
    )

    @field_validator("ice_addresses")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(f"{address!r} is not an IP address; give addresses, not names") from None
        return value
