"""What infra/monitoring asks of Prometheus is told by `adcanary metrics`, and what it rings about
has a page that says what to do."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pipelines.cli.main import app
from pipelines.monitors.metrics import exposition
from pipelines.monitors.registry import MONITORS
from pipelines.warehouse import open_warehouse
from tests.unit.monitored import settings
from tests.unit.monitoring_files import promtool

ROOT = Path(__file__).parents[2]
MONITORING, RUNBOOKS = ROOT / "infra" / "monitoring", ROOT / "docs" / "runbooks"
PARTS = ("**Means.**", "**Safe meanwhile.**", "## See why", "## Mend", "## It is over when")
# flows/ sends for these itself
OF_FLOWS = {"flow-late", "flow-failed", "flow-crashed", "gate-failed"}
PAGES = sorted(RUNBOOKS.glob("*.md"))

DASHBOARD: dict[str, Any] = json.loads((MONITORING / "grafana.json").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
_METRIC = re.compile(r"adcanary_\w+")
_CODE = re.compile(r"```\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples; a counter's ends in _total."""
    text = exposition(settings(tmp_path_factory.mktemp("empty")))
    families = text_string_to_metric_families(text)
    return {f.name + ("_total" if f.type == "counter" else "") for f in families}


def queries() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for rule in RULES:
        yield rule["alert"], rule["expr"]


def runbook_of(alert: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def test_every_metric_that_is_asked_for_is_told(told: set[str]) -> None:
    asked = {name for _, query in queries() for name in _METRIC.findall(query)}
    assert asked
    assert asked - told == set()


def test_every_metric_that_is_told_is_on_the_dashboard_or_in_an_alert(told: set[str]) -> None:
    asked = {name for _, query in queries() for name in _METRIC.findall(query)}
    assert told - asked <= {"adcanary_accounts", "adcanary_job_runs_total"}


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    named = {rule["alert"]: rule["annotations"]["runbook"] for rule in RULES}
    assert named == {alert: f"docs/runbooks/{runbook_of(alert)}.md" for alert in named}
    pages = {page.stem for page in PAGES}
    assert {runbook_of(alert) for alert in named} | OF_FLOWS == pages
    assert {monitor.runbook for monitor in MONITORS} <= pages
    assert {rule["labels"]["severity"] for rule in RULES} >= {"page", "ticket"}


def test_every_monitor_rings() -> None:
    text = (MONITORING / "alerts.yaml").read_text()
    rung = {*re.findall(r'monitor="(\w+)"', text)}
    assert {monitor.name for monitor in MONITORS} - rung == {"kill_switch"}  # by its own metric


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_what_is_safe_why_how_to_mend_and_when_it_is_over(
    page: Path,
) -> None:
    text = page.read_text()
    at = [text.index(part) for part in PARTS]
    assert at == sorted(at)
    assert len(text.splitlines()) < 60
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_runbook_are_there_with_their_options(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text())
    for command in re.findall(r"adcanary ([a-z][^`|>]*)", text):
        found: Any = typer.main.get_command(app)
        for word in command.split():
            if not hasattr(found, "commands") or word not in found.commands:
                break
            found = found.commands[word]
        assert found.name in command
        assert not hasattr(found, "commands"), f"{page.name}: adcanary {command}"
        flags = re.findall(r"--[a-z-]+", command.partition('"')[0])
        known = {flag for option in found.params for flag in option.opts}
        assert {*flags} <= known, f"{page.name}: adcanary {command}"


def test_the_queries_of_the_runbooks_run(tmp_path: Path) -> None:
    warehouse = open_warehouse(settings(tmp_path))
    asked = [
        sql
        for page in PAGES
        for sql in re.findall(r'adcanary query "([^"]+)"', page.read_text())
        if "landing_stage" not in sql
    ]
    assert len(asked) > 8
    for sql in asked:
        warehouse.ask(sql)


def test_the_dashboards_panels_have_places_and_ids_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    datasources = {target["datasource"]["uid"] for p in panels for target in p.get("targets", ())}
    assert datasources == {"${datasource}"}


SERIES = """
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{series: 'adcanary_warehouse_up', values: '1+0x400'}}
      - {{series: 'adcanary_metrics_timestamp_seconds', values: '0+60x400'}}
      - {{series: 'adcanary_monitor_findings{{monitor="freshness",status="fail"}}', values: '0+0x50 2+0x350'}}
      - {{series: 'adcanary_monitor_findings{{monitor="volume",status="warn"}}', values: '0+0x400'}}
    alert_rule_test:
      - alertname: LateData
        eval_time: 40m
        exp_alerts: []
      - alertname: LateData
        eval_time: 5h
        exp_alerts:
          - exp_labels: {{monitor: freshness, status: fail, severity: page}}
            exp_annotations:
              summary: 2 accounts are days behind.
              runbook: docs/runbooks/late-data.md
      - alertname: UnusualVolume
        eval_time: 5h
        exp_alerts: []
      - alertname: MetricsMissing
        eval_time: 5h
        exp_alerts: []
  - interval: 1m
    input_series:
      - {{series: 'adcanary_warehouse_up', values: '1+0x400'}}
      - {{series: 'adcanary_metrics_timestamp_seconds', values: '0+0x400'}}
      - {{series: 'adcanary_landed_rows_total{{source="shopify",table="raw.orders"}}', values: '0+50x400'}}
      - {{series: 'adcanary_set_aside_rows_total{{source="shopify",table="raw.orders"}}', values: '0+5x400'}}
    alert_rule_test:
      - alertname: MetricsMissing
        eval_time: 4h
        exp_alerts:
          - exp_labels: {{severity: page}}
            exp_annotations:
              summary: Nothing is known of adcanary's warehouse for more than two hours.
              runbook: docs/runbooks/metrics-missing.md
      - alertname: RowsSetAside
        eval_time: 4h
        exp_alerts:
          - exp_labels: {{severity: ticket, source: shopify, table: raw.orders}}
            exp_annotations:
              summary: More than 1% of a day's rows for raw.orders were set aside.
              runbook: docs/runbooks/rows-set-aside.md
"""  # noqa: E501 - a series is one line


def test_prometheus_takes_the_rules_and_they_ring_when_they_should(tmp_path: Path) -> None:
    tool, rules = promtool(), MONITORING / "alerts.yaml"
    cases = tmp_path / "cases.yaml"
    cases.write_text(SERIES.format(rules=rules))
    for command in (["check", "rules", str(rules)], ["test", "rules", str(cases)]):
        done = subprocess.run([tool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
