"""Where traces are sent, in the variables that OpenTelemetry has for it everywhere."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gateway.settings.room import Room

__all__ = ["Traces"]


class Traces(Room):
    otlp_endpoint: str | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Base URL of a collector that takes OTLP over HTTP.",
        repr=False,
    )
    otlp_traces_endpoint: str | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        description="The whole URL for traces, instead of that base.",
        repr=False,
    )
    otel_disabled: Literal["true", "false"] = Field(
        "false",
        validation_alias="OTEL_SDK_DISABLED",
        description="true: no traces, whatever else is set.",
    )
    otel_queue: int = Field(
        2048,
        ge=1,
        validation_alias="OTEL_BSP_MAX_QUEUE_SIZE",
        description="Spans that may wait to be sent.",
    )

    @field_validator("otlp_endpoint", "otlp_traces_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value is not None and (
            urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc
        ):
            raise ValueError("must be a URL with http:// or https://")
        return value

    @field_validator("otel_disabled", mode="before")
    @classmethod
    def _only_true(cls, value: object) -> object:
        # As the specification has it: whatever is not "true" is false.
        return "true" if isinstance(value, str) and value.lower() == "true" else "false"

    @property
    def traces_url(self) -> str | None:
        """Where traces are posted to; None where nobody wants any."""
        if self.otel_disabled == "true":
            return None
        if self.otlp_traces_endpoint is not None:
            return self.otlp_traces_endpoint
        return None if self.otlp_endpoint is None else f"{self.otlp_endpoint.rstrip('/')}/v1/traces"
