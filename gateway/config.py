"""Settings: read once, checked once, every fault told at once. The only reader of the environment.

What can be set stands in the rooms of `gateway/settings`, one for each concern, one for each provider and carrier.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import get_origin

from pydantic import ValidationError

from gateway.errors import ConfigError
from gateway.settings.access import Access, ServerKey
from gateway.settings.calls import Calls
from gateway.settings.carriers.acs import Acs
from gateway.settings.carriers.asterisk import Asterisk
from gateway.settings.carriers.exotel import Exotel
from gateway.settings.carriers.freeswitch import FreeSwitch
from gateway.settings.carriers.genesys import Genesys
from gateway.settings.carriers.jambonz import Jambonz
from gateway.settings.carriers.plivo import Plivo
from gateway.settings.carriers.signalwire import SignalWire
from gateway.settings.carriers.telnyx import Telnyx
from gateway.settings.carriers.twilio import Twilio
from gateway.settings.carriers.vonage import Vonage
from gateway.settings.catalog import Catalogs
from gateway.settings.logs import Logs
from gateway.settings.providers.azure import Azure
from gateway.settings.providers.cascade import Cascade
from gateway.settings.providers.choice import KNOWN_PROVIDERS, NEEDS, Choice
from gateway.settings.providers.openai import OpenAI
from gateway.settings.providers.upstream import Upstream
from gateway.settings.recordings import Recordings
from gateway.settings.retention import Retention
from gateway.settings.room import Room
from gateway.settings.server import Server
from gateway.settings.telephone import Telephone
from gateway.settings.toolruns import ToolRuns
from gateway.settings.tools import Tools
from gateway.settings.traces import Traces
from gateway.stages import STAGES

__all__ = ["ENVIRONMENT", "KNOWN_PROVIDERS", "TELEPHONE", "ServerKey", "Settings", "from_env"]


class Settings(
    Server,
    Catalogs,
    ToolRuns,
    Tools,
    Choice, OpenAI, Azure, Upstream, Cascade,
    Access,
    Telephone, Twilio, SignalWire, Telnyx, Vonage, Plivo,
    Acs, Exotel, Genesys, Jambonz, FreeSwitch, Asterisk,
    Recordings, Retention,
    Calls,
    Logs,
    Traces,
):  # fmt: skip
    """Everything that can be set, in the order of docs/run.md."""

    @property
    def provider_order(self) -> tuple[str, ...]:
        """The providers to try, in order: as set, or every configured one with the embedded engine last."""
        if self.providers:
            return self.providers
        return tuple(name for name in NEEDS if not self.missing(name))

    def missing(self, provider: str) -> tuple[str, ...]:
        """The settings that this provider cannot do without and that are not set, as the environment calls them."""
        return tuple(ENVIRONMENT[field] for field in NEEDS[provider] if not getattr(self, field))


ENVIRONMENT: dict[str, str] = {
    field: str(about.validation_alias)
    for room in Settings.__bases__
    if issubclass(room, Room)
    for field, about in room.model_fields.items()
}
"""Field → variable, in the order of docs/run.md, which has a line for each; a test checks."""

TELEPHONE: frozenset[str] = frozenset({"openai_webhook_secret"}).union(
    *(
        room.model_fields
        for room in Settings.__bases__
        if issubclass(room, Room)
        and (room is Telephone or room.__module__.startswith("gateway.settings.carriers."))
    )
)
"""The fields of the telephone: where none of them is given, no call comes or goes by it."""

LISTS = frozenset(
    field for field in ENVIRONMENT if get_origin(Settings.model_fields[field].annotation) is tuple
)


def from_env(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read the settings from `environ` (the process's own by default); `overrides` win (the command line's).

    Raises ConfigError with one sentence per fault, each naming the variable.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    for field, variable in ENVIRONMENT.items():
        text = environ.get(variable, "").strip()
        if text:
            values[field] = (
                tuple(p.strip() for p in text.split(",") if p.strip()) if field in LISTS else text
            )
    values.update({k: v for k, v in overrides.items() if v is not None})
    faults = [
        f"{variable} is not a setting of Parley; did you mean {near}?"
        for variable in environ
        if variable.startswith("PARLEY_")
        and variable not in ENVIRONMENT.values()
        and (near := _nearest(variable))
    ]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        order = {field: place for place, field in enumerate(ENVIRONMENT)}
        found = [
            (str(fault["loc"][0]) if fault["loc"] else "", fault["msg"].removeprefix("Value error, "))
            for fault in error.errors(include_input=False, include_url=False)
        ]
        found.sort(key=lambda fault: order.get(fault[0], len(order)))
        faults += [f"{ENVIRONMENT.get(field, field)}: {fault}" for field, fault in found]
    if settings is not None:
        faults += _half_set(settings) + _too_open(settings)
    if faults or settings is None:
        raise ConfigError(faults)
    return settings


def _half_set(settings: Settings) -> list[str]:
    """Providers that were asked for, by name or by their first setting, and that cannot be reached as things are."""
    faults = []
    for provider, needs in NEEDS.items():
        missing = settings.missing(provider)
        if provider in settings.providers:
            faults += [
                f"PARLEY_PROVIDERS names {provider}, but {variable} is not set" for variable in missing
            ]
        elif (
            not settings.providers and missing and len(missing) < len(needs) and getattr(settings, needs[0])
        ):
            faults += [
                f"{ENVIRONMENT[needs[0]]} is set, but {variable} is not; set it too, or list in"
                " PARLEY_PROVIDERS only what is to be used"
                for variable in missing
            ]
    wanted = {stage for stage in STAGES if getattr(settings, f"cascade_{stage}_url")}
    for stage in sorted(wanted - {"chat"}):
        url, model = f"cascade_{stage}_url", f"cascade_{stage}_model"
        if not getattr(settings, model):
            faults.append(f"{ENVIRONMENT[url]} is set, but {ENVIRONMENT[model]} is not")
        if "chat" not in wanted:
            faults.append(
                f"{ENVIRONMENT[url]} is set, but PARLEY_CASCADE_CHAT_URL is not: the cascade needs it"
            )
    return faults


def _too_open(settings: Settings) -> list[str]:
    """Whether others than this machine could call without a proof."""
    if not settings.telephony_open:
        return []
    faults = []
    if not settings.loopback:
        faults.append("PARLEY_TELEPHONY_OPEN needs no proof of carriers: only with PARLEY_HOST on loopback")
    if settings.public_url is not None:
        faults.append(
            "PARLEY_TELEPHONY_OPEN needs no proof of carriers: not with PARLEY_PUBLIC_URL, the way the world comes"
        )
    return faults


def _nearest(variable: str) -> str | None:
    """The setting that a mistyped variable most likely meant; None when nothing is near."""
    import difflib

    near = difflib.get_close_matches(variable, ENVIRONMENT.values(), n=1, cutoff=0.85)
    return near[0] if near else None
