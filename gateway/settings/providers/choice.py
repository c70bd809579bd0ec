"""Which providers are tried, and when one is left."""

from __future__ import annotations

from pydantic import Field, field_validator

from gateway.settings.room import Room

__all__ = ["KNOWN_PROVIDERS", "NEEDS", "Choice"]

NEEDS: dict[str, tuple[str, ...]] = {
    "openai": ("openai_api_key",),
    "azure": ("azure_openai_endpoint", "azure_openai_api_key", "azure_openai_deployment"),
    "voicelive": ("azure_voicelive_endpoint", "azure_voicelive_api_key"),
    "upstream": ("upstream_url",),
    "cascade": ("cascade_chat_url", "cascade_chat_model"),
    "embedded": (),
}
"""The providers, in the order in which they are tried by default, each with the settings that it cannot do without.
With the first of those set it counts as wanted."""

KNOWN_PROVIDERS = tuple(NEEDS)


class Choice(Room):
    providers: tuple[str, ...] = Field(
        (),
        validation_alias="PARLEY_PROVIDERS",
        description="Order of preference; by default every configured one, embedded last.",
    )
    stall_s: float = Field(
        8.0,
        ge=2,
        le=120,
        validation_alias="PARLEY_STALL_S",
        description="A provider that owes an answer and says nothing for so long is left.",
    )
    rollover_s: float = Field(
        3300.0,
        ge=60,
        le=86_400,
        validation_alias="PARLEY_ROLLOVER_S",
        description="Age at which a provider's session is replaced: five minutes below the provider's cap.",
    )

    @field_validator("providers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in KNOWN_PROVIDERS]
        if unknown:
            raise ValueError(
                f"unknown provider {', '.join(unknown)}; choose of {', '.join(KNOWN_PROVIDERS)}"
            )
        return value
