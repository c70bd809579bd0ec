"""Every query of the dashboard and of the alert rules names figures and labels that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import ENDINGS
from gateway.metrics.families import FAMILIES

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[2] / "docs/grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "parley.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself adds."""
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
SERIES = {
    family.name + suffix: {*family.labels, *SCRAPED, *({"le"} if suffix == "_bucket" else ())}
    for family in FAMILIES.values()
    for suffix in SUFFIXES[family.kind]
}
SERIES["up"] = SCRAPED
USED = re.compile(r"\b(parley_\w+|process_\w+|up\b)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
MATCHED = re.compile(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"')


def queries() -> list[tuple[str, str]]:
    shown = [(p["title"], t["expr"]) for p in DASHBOARD["panels"] for t in p.get("targets", ())]
    asked = [
        (v["name"], v["query"]["query"]) for v in DASHBOARD["templating"]["list"] if v["type"] == "query"
    ]
    return shown + asked + [(rule["alert"], rule["expr"]) for rule in RULES]


@pytest.mark.parametrize(("whose", "query"), queries())
def test_a_query_asks_for_what_there_is(whose: str, query: str) -> None:
    used = USED.findall(query)
    assert used, query
    known: set[str] = set()
    for name, matchers in used:
        assert name in SERIES, f"{whose}: there is no {name}"
        known |= SERIES[name]
        for label, value in MATCHED.findall(matchers):
            assert label in SERIES[name], f"{whose}: {name} has no label {label}"
            if label in ("side", "reason") and "ended" in name:
                values = {getattr(ending, label) for ending in ENDINGS}
                assert value in values, f"{whose}: no call ends with {value}"
    for labels in GROUPED.findall(query):
        assert {label.strip() for label in labels.split(",")} <= known, f"{whose}: {query}"
    if "histogram_quantile" in query:
        assert all(name.endswith("_bucket") for name, _ in used if "_seconds_" in name and "parley" in name)
    assert query.count("(") == query.count(")")


def test_panels_have_their_places() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_what_parley_counts_is_shown() -> None:
    shown = " ".join(query for _, query in queries())
    unseen = {name for name in FAMILIES if name.startswith("parley_") and name not in shown}
    assert unseen == {
        "parley_draining",
        "parley_provider_failures",
        "parley_provider_next_try_seconds",
        "parley_requests_handed_over",
    }
