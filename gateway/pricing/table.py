"""Price tables: the one that comes with Parley, and an operator's own over it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.config import KNOWN_PROVIDERS, Settings
from gateway.errors import ConfigError
from gateway.pricing.tariff import Account, Rates, Tariff
from gateway.stages import OPENAI

__all__ = ["BUILT_IN", "load", "prices_in_force"]

BUILT_IN = Path(__file__).parent / "prices.yaml"
"""The table that comes with Parley."""

_MAX_BYTES = 512 * 1024

_EMBEDDED = "embedded"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: fifteen times as fast. Faults it places less well, so not for users' own
tables."""

Price = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Tokens(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    text_in: Price | None = None
    cached_text_in: Price | None = None
    audio_in: Price | None = None
    cached_audio_in: Price | None = None
    image_in: Price | None = None
    cached_image_in: Price | None = None
    text_out: Price | None = None
    audio_out: Price | None = None


class _Entry(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    provider: Name
    models: tuple[Name, ...] = Field(min_length=1)
    source: Annotated[str, Field(min_length=1, max_length=500)]
    per_million_tokens: _Tokens = _Tokens()
    per_minute: Price | None = None


class _Table(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    date: date
    prices: tuple[_Entry, ...]


def load(path: Path = BUILT_IN) -> dict[Account, Rates]:
    """The prices of a file, by provider and model. Raises ConfigError with every fault of it."""
    table = _read(path)
    rates: dict[Account, Rates] = {}
    faults = []
    for number, entry in enumerate(table.prices):
        if entry.provider not in KNOWN_PROVIDERS:
            known = ", ".join(KNOWN_PROVIDERS)
            faults.append(f"prices.{number}.provider: {entry.provider} is no provider; choose of {known}")
        tokens = entry.per_million_tokens.model_dump()
        if entry.per_minute is None and not any(price is not None for price in tokens.values()):
            faults.append(f"prices.{number}: has no price; give per_million_tokens or per_minute")
        for model in entry.models:
            account = entry.provider, model
            if account in rates:
                faults.append(f"prices.{number}: {model} of {entry.provider} has a price already; keep one")
            rates[account] = Rates(**tokens, minute=entry.per_minute, date=table.date.isoformat())
    if faults:
        raise _wrong(path, faults)
    return rates


def prices_in_force(settings: Settings) -> Tariff:
    """Parley's own prices with the operator's over them, and who asks them where. Reads files. Raises ConfigError."""
    rates = load()
    if settings.prices is not None:
        rates |= load(settings.prices)
    sellers: dict[str, str] = {}
    if (settings.upstream_url or "").startswith("wss://api.openai.com/"):
        sellers["upstream"] = "openai"
    ears: dict[str, Account] = {_EMBEDDED: (_EMBEDDED, "ears"), "cascade": (_EMBEDDED, "ears")}
    chat, stt = settings.stage("chat"), settings.stage("stt")
    if chat is not None and chat.url.rstrip("/") == OPENAI:
        sellers["cascade"] = "openai"
    if stt is not None:
        ears["cascade"] = "openai" if stt.url.rstrip("/") == OPENAI else "cascade", stt.model
    if settings.azure_openai_transcription_model:
        ears["azure"] = "azure", settings.azure_openai_transcription_model
    return Tariff(rates, sellers, ears)


def _read(path: Path) -> _Table:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _wrong(path, [f"is larger than {_MAX_BYTES // 1024} KiB"])
        loader = _Loader if path == BUILT_IN else yaml.SafeLoader
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        return _Table.model_validate(content)
    except OSError as fault:
        raise _wrong(path, [f"cannot be read ({fault.strerror})"]) from None
    except UnicodeDecodeError:
        raise _wrong(path, ["is not UTF-8; save it as UTF-8"]) from None
    except yaml.YAMLError as fault:
        raise _wrong(path, list(_place(fault))) from None
    except ValidationError as fault:
        told = fault.errors(include_url=False, include_input=False, include_context=False)
        raise _wrong(
            path, [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in told]
        ) from None


def _place(fault: yaml.YAMLError) -> Iterator[str]:
    mark = getattr(fault, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    yield f"{where}{getattr(fault, 'problem', None) or 'is not valid YAML'}"


def _wrong(path: Path, faults: list[str]) -> ConfigError:
    return ConfigError([f"PARLEY_PRICES: {path}: {fault}" for fault in faults])
