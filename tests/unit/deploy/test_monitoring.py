"""Dashboard, alert rules and table ask for the numbers that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.promql import OF_SCRAPE, groupings, names

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "ood_face.json").read_text(encoding="utf-8"))
PROMETHEUS = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
(GROUP,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))[
    "groups"
]
ALERTS = {rule["alert"]: rule for rule in GROUP["rules"]}
TEXT = (DEPLOY / "MONITORING.md").read_text(encoding="utf-8")
TABLE = {
    name: (kind, set(re.findall(r"`(\w+)`", labels)))
    for name, kind, labels in re.findall(
        r"^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\|", TEXT, re.MULTILINE
    )
}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# Prometheus makes it itself, of every scrape
UP = {"up": set()}


def asked(expression: str) -> str:
    """Return an expression as Prometheus gets it, with Grafana's variables filled in."""
    return (
        expression.replace("$__rate_interval", "1m").replace("$job", "j").replace("$instance", "i")
    )


def check(expression: str, samples: dict[str, set[str]]) -> None:
    known = samples | UP
    used = names(asked(expression))
    assert used, expression
    for name, labels in used.items():
        assert name in known, f"{name} is no number: {expression}"
        assert labels <= known[name] | OF_SCRAPE, f"{name} has no such label: {expression}"
    grouped = set().union(*(known[name] for name in used)) | OF_SCRAPE
    assert groupings(expression) <= grouped, expression


def test_every_panel_asks_for_numbers_and_labels_that_there_are(samples):
    for panel in PANELS:
        for target in panel["targets"]:
            check(target["expr"], samples)
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            by = groupings(target["expr"]) or set().union(*samples.values()) | OF_SCRAPE
            assert legend <= by, panel["title"]


def test_every_alert_asks_for_numbers_and_labels_that_there_are(samples):
    assert ALERTS
    for rule in ALERTS.values():
        check(rule["expr"], samples)


def test_every_number_is_on_the_dashboard(families):
    expressions = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    shown = set(names(asked(expressions)))
    for name, family in families.items():
        assert shown & {name, *(sample.name for sample in family.samples)}, name


def test_the_dashboard_can_be_imported():
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert used <= variables | {"__all", "__rate_interval"}
    places = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(places)) == len(places), "two panels lie on each other"
    assert all(x < 24 for x, _ in places)


def test_every_alert_says_whom_it_wakes_what_is_wrong_and_where():
    for name, rule in ALERTS.items():
        assert re.fullmatch("OodFace[A-Za-z]+", name)
        assert rule["labels"]["severity"] in {"page", "ticket"}
        notes = rule["annotations"]
        assert "$labels.instance" in notes["summary"]
        assert notes["description"]
        said = set(re.findall(r"\$labels\.(\w+)", json.dumps(notes)))
        assert said <= groupings(rule["expr"]) | OF_SCRAPE, name


def test_the_example_scrapes_this_server_with_a_key_under_the_name_that_the_rules_look_for():
    (scrape,) = PROMETHEUS["scrape_configs"]
    assert scrape["metrics_path"] == "/metrics"
    assert scrape["authorization"]["type"] == "Bearer"
    assert scrape["authorization"]["credentials_file"].startswith("/")
    assert [f for f in PROMETHEUS["rule_files"] if not (DEPLOY / "prometheus" / f).is_file()] == []
    for rule in ALERTS.values():
        assert set(re.findall(r'job="(\w+)"', rule["expr"])) == {scrape["job_name"]}


def test_the_table_tells_every_family_and_no_other(families):
    labels = {
        name: {key for sample in family.samples for key in sample.labels} - {"le"}
        for name, family in families.items()
    }
    assert {name: (family.type, labels[name]) for name, family in families.items()} == TABLE


def test_the_table_of_alerts_tells_all_and_no_other():
    assert set(re.findall(r"^\| `(OodFace\w+)` \|", TEXT, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('up{job="x"} == 0', {"up": {"job"}}),
        ('time() - a_b{c=~"d{2}"} > 3e5 or e', {"a_b": {"c"}, "e": set()}),
        ('sum by (x, le) (rate(a{y!="{z}", w="v"}[5m] offset 1h))', {"a": {"y", "w"}}),
    ],
)
def test_an_expression_is_read_as_prometheus_reads_it(expression, found):
    assert names(expression) == found
