from __future__ import annotations

import numpy as np
import pytest

from media.level import FLOOR_DBFS, dbfs, rms

pytestmark = pytest.mark.unit


def test_levels_of_known_signals() -> None:
    square = np.array([16384, -16384] * 240, dtype="<i2").tobytes()
    sine = (np.sin(np.arange(480) * 2 * np.pi / 48) * 32767).astype("<i2").tobytes()
    assert rms(square) == pytest.approx(16384)
    assert dbfs(square) == pytest.approx(-6.02, abs=0.01)
    assert dbfs(sine) == pytest.approx(-3.01, abs=0.01)


def test_silence_is_the_floor() -> None:
    assert rms(b"") == 0
    assert dbfs(b"") == dbfs(bytes(960)) == FLOOR_DBFS
    assert dbfs(np.array([1, 0] * 1_000, dtype="<i2").tobytes()) > FLOOR_DBFS
