"""Rules are data: checked as a whole when they are read, and overridden by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.jobs.rules.rulebook import LAYERS, RuleBook, book_for, load_rulebooks
from pipelines.shipped import shipped

DEFAULT = load_rulebooks()["default"]


def test_the_shipped_rules_are_at_least_42_in_three_layers_with_60_parameters_to_tune() -> None:
    assert len(DEFAULT.rules) >= 42
    assert len(DEFAULT.tunable) >= 60
    assert {rule.layer for rule in DEFAULT.rules.values()} == set(LAYERS)
    groups = {rule.group for rule in DEFAULT.rules.values() if rule.layer == "decision"}
    assert {"performance", "volume", "lifecycle", "trend", "calendar", "season"} <= groups


def test_the_shipped_schema_is_that_of_the_code() -> None:
    path = shipped("infra") / "rules" / "rules.schema.json"
    assert json.loads(path.read_text()) == RuleBook.model_json_schema(), (
        "write it anew: python -m pipelines.jobs.rules.rulebook > infra/rules/rules.schema.json"
    )


def test_an_override_changes_only_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "meta_ads.yaml").write_text("parameters: {excellent_step: {value: 1.3}}\n")
    (tmp_path / "meta_ads.act_1.yaml").write_text("rules: {monday: {enabled: false}}\n")
    books = load_rulebooks(tmp_path)
    assert list(books) == ["default", "meta_ads", "meta_ads.act_1"]
    assert books["default"] == DEFAULT
    name, book = book_for(books, "meta_ads", "act_1")
    assert name == "meta_ads.act_1"
    # the account's override is one of its platform's
    changed = {n for n, value in book.values.items() if value != DEFAULT.values[n]}
    assert (changed, book.values["excellent_step"]) == ({"excellent_step"}, 1.3)
    different = {n for n, rule in book.rules.items() if rule != DEFAULT.rules[n]}
    assert (different, book.rules["monday"].enabled) == ({"monday"}, False)
    assert book_for(books, "meta_ads", "act_2")[0] == "meta_ads"
    assert book_for(books, "google_ads", "1")[0] == "default"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parameters: {exellent_step: {value: 2}}", "exellent_step"),
        ("rules: {mondai: {enabled: false}}", "mondai"),
        ("rules: {monday: {when: weekdai == 1}}", "weekdai"),
        ("rules: {monday: {action: freeze}}", "multiply, not freeze"),
        ("rules: {monday: {amount: null}}", "needs an amount"),
        ("rules: {monday: {reason: 'A {nonsense} reason'}}", "nonsense"),
        ("parameters: {excellent_step: {value: 9}}", "not from 1.05 to 1.5"),
        ("rules: {monday: {enabeld: false}}", "enabled"),
        ("rules: [monday]", "dictionary"),
    ],
)
def test_an_override_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "meta_ads.yaml").write_text(text)
    with pytest.raises(ConfigError, match=why) as refused:
        load_rulebooks(tmp_path)
    assert "meta_ads.yaml" in refused.value.message


def test_a_parameter_that_no_rule_names_is_refused(tmp_path: Path) -> None:
    default = (shipped("infra") / "rules" / "default.yaml").read_text()
    text = default.replace("parameters:\n", "parameters:\n  forgotten: {value: 1}\n", 1)
    (tmp_path / "default.yaml").write_text(text)
    with pytest.raises(ConfigError, match="no rule names the parameters forgotten"):
        load_rulebooks(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        load_rulebooks(tmp_path / "none")
