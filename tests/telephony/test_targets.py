"""Whom a tenant's calls may be put through to."""

from __future__ import annotations

import pytest

from api.surfaces.telephony.calls.targets import TransferTargets
from gateway.errors import ConfigError
from personas.transfers import Target
from tests.call.harness import persona

pytestmark = pytest.mark.unit


def test_a_tenants_number_goes_before_everybodys() -> None:
    who = persona(transfers={"front desk": Target(), "lab": Target(to="+15550100030")})
    targets = TransferTargets(("front desk=+15550100020", "clinic:front desk=+15550100021"))
    assert targets.of(who, "clinic").transfers["front desk"].to == "+15550100021"
    assert targets.of(who, "other").transfers["front desk"].to == "+15550100020"
    assert targets.of(who, "other").transfers["lab"].to == "+15550100030"
    assert TransferTargets(()).of(who, "clinic") is who


def test_a_wrong_entry_stops_the_start_and_says_how_to_write_it() -> None:
    with pytest.raises(ConfigError, match=r"PARLEY_TRANSFER_TARGETS: .*front desk=\+15550100020"):
        TransferTargets(("front desk",))
