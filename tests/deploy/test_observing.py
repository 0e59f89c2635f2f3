"""What operators are given to watch with: every number that dashboard and alert rules name is one that we tell."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from dashboard import create_app
from engage.config import Settings
from engage.core.meters import METERS, Meters
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.pulse import Pulse, Standing

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "deploy"
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
RULES = yaml.safe_load((FOLDER / "prometheus-alerts.yml").read_text("utf-8"))
OTHERS = {"up": {"job", "instance"}}
"""Told by Prometheus itself."""


def everything_counted() -> Meters:
    meters = Meters()
    for name, meter in METERS.items():
        if meter.kind == "counter":
            meters.count(name)
        elif meter.kind == "gauge":
            meters.set(name, 1.0)
        else:
            meters.observe(name, [0.1])
    return meters


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """Yield what /metrics tells of a system that has counted everything: names of series with their labels."""
    home = tmp_path_factory.mktemp("observed")
    settings = Settings(home=home, database={"url": f"sqlite:///{home}/test.db"})  # type: ignore[arg-type]
    database = Database(settings.database_url)
    database.open()
    upgrade(database)
    counters = {"dropped.faces": 1}
    Pulse(database).write([Standing("inference", True, False, 0, counters, everything_counted().snapshot())])
    app = create_app(settings, database)
    app.test_client().get("/healthz")
    from dashboard.metrics import meters

    meters(app).samples.labels("yes").inc()
    text = app.test_client().get("/metrics").text
    database.close()
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    yield found


def expressions() -> list[tuple[str, str]]:
    panels = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return panels + [(rule["alert"], rule["expr"]) for group in RULES["groups"] for rule in group["rules"]]


def selectors(node: Any) -> Iterator[Any]:
    """Yield the selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in ("expr", "lhs", "rhs", "vector_selector", "vs"):
        inner = getattr(node, part, None)
        if inner is not None and not isinstance(inner, str):
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or ():
        yield from selectors(inner)


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_what_is_asked_for_is_told(where: str, expression: str, told: dict[str, set[str]]) -> None:
    known = {**told, **OTHERS}
    found = list(selectors(promql_parser.parse(expression)))
    named = set(re.findall(r"\bengage_[a-z_]+|\bup\b", re.sub(r'"[^"]*"', "", expression)))
    assert named and {selector.name for selector in found} == named, "every number was looked at"
    for selector in found:
        assert selector.name in known, f"{where}: nothing tells {selector.name}"
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name], f"{where}: {selector.name} has no label {matcher.name}"
    grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(",")}
    labels = set().union(*(known[selector.name] for selector in found))
    assert grouped <= labels, f"{where}: no such label as {grouped - labels}"


def test_every_stage_is_in_the_dashboard(told: dict[str, set[str]]) -> None:
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    missing = [name for name in METERS if f"engage_{name}" not in shown]
    assert missing == [], "counted, and nobody sees it"
    told_names = {
        re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in told if name.startswith("engage_")
    }
    assert {f"engage_{name}" for name in METERS} <= told_names


def test_panels_do_not_lie_on_one_another_and_have_titles() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)

    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        return {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}

    for one, other in itertools.combinations(panels, 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])
    for panel in panels:
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + k) for k in range(len(panel["targets"]))]


def test_rules_say_how_urgent_it_is_and_what_to_do() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m")), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"].endswith((".", "?"))
        used = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        kept = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in labels.split(",")}
        assert used <= kept | {"instance"}, f"{rule['alert']}: its words need a label that the expression drops"


def test_prometheus_asks_where_we_answer() -> None:
    asked = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    assert asked["rule_files"] == ["prometheus-alerts.yml"] and (FOLDER / "prometheus-alerts.yml").is_file()
    assert [job["job_name"] for job in asked["scrape_configs"]] == ["engage"], "the job that the rules name"
