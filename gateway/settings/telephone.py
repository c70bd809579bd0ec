"""What holds for phone calls over every carrier."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["Telephone"]


class Telephone(Room):
    phone_persona: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_PHONE_PERSONA",
        description="Who answers the telephone: a persona, or one per called number: +15550100002=dental, …",
    )
    transfer_targets: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_TRANSFER_TARGETS",
        description="Numbers of the personas' transfers: front desk=+15550100020, tenant:lab=sip:lab@example.com, …",
    )
    outbound_carrier: str | None = Field(
        None,
        validation_alias="PARLEY_OUTBOUND_CARRIER",
        description="Carrier that places calls, when more than one could.",
    )
    machine_detection: int = Field(
        1,
        ge=0,
        le=1,
        validation_alias="PARLEY_MACHINE_DETECTION",
        description="1: carriers are asked whether a machine answered, on calls of personas that leave messages.",
    )
    telephony_open: int = Field(
        0,
        ge=0,
        le=1,
        validation_alias="PARLEY_TELEPHONY_OPEN",
        description="1: carriers on this machine need no signature. For development only.",
    )
    telephony_webhook_secret: SecretStr | None = Field(
        None,
        validation_alias="TELEPHONY_WEBHOOK_SECRET",
        description="Signs POST /api/webhooks/telephony-events.",
    )
