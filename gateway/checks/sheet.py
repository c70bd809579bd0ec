"""What is to be set up at each carrier, as its console calls it: `sheets/<carrier>.toml`, read and filled in.

docs/phone.md says the same at more length; a test compares them.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EXAMPLE", "Sheet", "Step", "names", "sheet"]

EXAMPLE = "https://voice.example.com"
"""Stands for the public URL while there is none."""


class Step(BaseModel):
    """One page of the carrier's console."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str
    """Way to the page."""
    way: str = ""
    """Only for this kind of set-up, where the carrier has several."""
    copy_: dict[str, str] = Field(default_factory=dict, alias="copy")
    """What is read off there → the setting that it becomes."""
    fill: dict[str, str] = Field(default_factory=dict)
    """Field → value; `{voice}` and `{status}` stand for our webhooks, `{socket}` for what is before the path of a
    media socket; THE-SECRET for the setting."""
    note: str = ""


class Sheet(BaseModel):
    """One carrier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    section: str = ""
    """Of docs/phone.md, where it is not called by the carrier's name."""
    needs: tuple[str, ...]
    """Settings without which the carrier is not there."""
    some: tuple[str, ...] = ()
    """Settings that some ways of using it need."""
    out: tuple[str, ...] = ()
    """Settings that calls out need besides."""
    own: bool = False
    """A switch of our own: it shows a secret, signs no address, and may stand in our own network."""
    streams: bool = True
    """It opens a media socket."""
    steps: tuple[Step, ...]

    @property
    def webhook(self) -> bool:
        """The carrier asks one; otherwise it opens the media socket alone."""
        return any("/voice" in value for step in self.steps for value in step.fill.values())


def names() -> list[str]:
    """The carriers that there is a sheet for, as in the path of their webhooks."""
    return sorted(
        one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml")
    )


def sheet(carrier: str, base: str = EXAMPLE) -> Sheet:
    """The carrier's, its addresses below `base`. Raises LookupError that lists what there is."""
    if carrier not in names():
        raise LookupError(f"there is no carrier {carrier!r}; there is: {', '.join(names())}")
    path = f"{base}/telephony/{carrier}"
    places = {"{voice}": f"{path}/voice", "{status}": f"{path}/status"}
    places["{socket}"] = f"ws{path.removeprefix('http')}"
    told = tomllib.loads((_folder() / f"{carrier}.toml").read_text("utf-8"))
    return Sheet.model_validate(_filled(told, places))


def _filled(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, str):
        for place, url in places.items():
            value = value.replace(place, url)
        return value
    if isinstance(value, list):
        return [_filled(one, places) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, places) for name, one in value.items()}
    return value


def _folder() -> Any:
    return files("gateway.checks") / "sheets"
