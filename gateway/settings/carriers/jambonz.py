"""jambonz: what its calls are proved with."""

from __future__ import annotations

from pydantic import Field, SecretStr

from gateway.settings.room import Room

__all__ = ["Jambonz"]


class Jambonz(Room):
    jambonz_webhook_secret: SecretStr | None = Field(
        None,
        validation_alias="JAMBONZ_WEBHOOK_SECRET",
        description="Signs jambonz' webhooks, as its portal shows it.",
    )
