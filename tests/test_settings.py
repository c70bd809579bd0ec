"""The rooms of the settings: each is in `Settings`, and none gets in another's way."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

import pytest

import gateway.settings
from gateway.config import ENVIRONMENT, Settings, from_env
from gateway.errors import ConfigError
from gateway.settings.room import Room

pytestmark = pytest.mark.unit

ROOMS = [
    room
    for found in pkgutil.walk_packages(gateway.settings.__path__, "gateway.settings.")
    for room in vars(importlib.import_module(found.name)).values()
    if isinstance(room, type)
    and issubclass(room, Room)
    and room.__module__ == found.name
    and room is not Room
]


def test_every_room_stands_in_the_settings() -> None:
    assert set(ROOMS) == set(Settings.__bases__)


def test_no_room_hides_what_another_has() -> None:
    """Two checks of one name would leave the first unmade."""
    names = Counter(
        name
        for room in ROOMS
        for name in {
            *room.model_fields,
            *(name for name in vars(room) if not name.startswith(("__", "model_"))),
        }
        if not name.startswith("_abc")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_settings_have_one_variable() -> None:
    assert len(set(ENVIRONMENT.values())) == len(ENVIRONMENT)


def test_faults_are_told_in_the_order_of_the_settings_each_under_its_variable() -> None:
    faulty = {
        "PARLEY_LOG_LEVEL": "loud",
        "PARLEY_PORT": "-1",
        "TWILIO_PHONE_NUMBER": "0800",
        "PARLEY_ICE_ADDRESSES": "here",
    }
    with pytest.raises(ConfigError) as told:
        from_env(faulty)
    assert [fault.partition(":")[0] for fault in told.value.faults] == [
        "PARLEY_PORT",
        "TWILIO_PHONE_NUMBER",
        "PARLEY_ICE_ADDRESSES",
        "PARLEY_LOG_LEVEL",
    ]
