"""A certificate's every claim is checked by a small program that needs no part of adcanary."""

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.canonical import canonical_json
from pipelines.jobs.allocation import check
from pipelines.jobs.allocation.certificate import curves_json
from pipelines.jobs.allocation.solve import allocate
from tests.unit.response_curves import random_problem

CHECK = Path(check.__file__)
PROBLEM = random_problem(3, "cvar")


@pytest.fixture(scope="module")
def claims() -> dict[str, Any]:
    return json.loads(allocate(PROBLEM).certificate.text)


def leaves(node: dict[str, Any]) -> list[dict[str, Any]]:
    if "bound" in node:
        return [node]
    parts = node["parts"] if "groups" in node else [node["below"], node["above"]]
    return [leaf for part in parts for leaf in leaves(part)]


def highest(c: dict[str, Any]) -> dict[str, Any]:
    return max(leaves(c["proof"]), key=lambda leaf: leaf["bound"])


def constraint(c: dict[str, Any], name: str) -> dict[str, Any]:
    return next(k for k in c["constraints"] if k["name"] == name)


def spend_more(c: dict[str, Any]) -> None:
    c["spend"]["search"] += 1


def break_a_limit(c: dict[str, Any]) -> None:
    k = constraint(c, "budget")
    k["bound"] = k["value"] - 1
    k["slack"] = -1


def break_a_target(c: dict[str, Any]) -> None:
    k = constraint(c, "cost of a conversion")
    k["cost"] *= 0.9


def cheapen_a_target(c: dict[str, Any]) -> None:
    constraint(c, "cost of a conversion")["bound"] *= 1.01


def leave_slack_out(c: dict[str, Any]) -> None:
    constraint(c, "budget")["slack"] += 1


def bind(c: dict[str, Any]) -> None:
    k = constraint(c, "floor of display")
    k["binds"] = not k["binds"]


def turn_a_sense(c: dict[str, Any]) -> None:
    constraint(c, "floor of display")["sense"] = "=>"


def call_a_tail_the_mean(c: dict[str, Any]) -> None:
    c["goal"]["risk"] = "mean"


def promise_more(c: dict[str, Any]) -> None:
    c["objective"]["value"] *= 1.001


def lower_the_bound(c: dict[str, Any]) -> None:
    c["objective"]["bound"] *= 0.999


def claim_no_gap(c: dict[str, Any]) -> None:
    c["objective"]["bound"] *= 1.01


def lower_a_leaf(c: dict[str, Any]) -> None:
    highest(c)["bound"] *= 0.99


def forget_the_prices(c: dict[str, Any]) -> None:
    for leaf in leaves(c["proof"]):
        leaf["multipliers"] = {}


def price_below_nothing(c: dict[str, Any]) -> None:
    leaf = highest(c)
    leaf["multipliers"] = {name: -price for name, price in leaf["multipliers"].items()}


def weigh_one_draw(c: dict[str, Any]) -> None:
    c["weights"] = [{min(row, key=int): 1.0} for row in c["weights"]]


def take_weight_away(c: dict[str, Any]) -> None:
    c["weights"] = [{d: w * 0.9 for d, w in row.items()} for row in c["weights"]]


def split_outside(c: dict[str, Any]) -> None:
    """A tree of one leaf that covers nothing: all of it beyond the range."""
    leaf = leaves(c["proof"])[0]
    c["proof"] = {"channel": "search", "at": -(10**9), "below": leaf, "above": leaf}


def allocate_other_curves(c: dict[str, Any]) -> None:
    c["curves_sha256"] = "0" * 64


def spend_a_fraction(c: dict[str, Any]) -> None:
    c["spend"]["search"] += 0.5


TAMPERED: list[Callable[[dict[str, Any]], None]] = [
    spend_more,
    spend_a_fraction,
    break_a_limit,
    break_a_target,
    cheapen_a_target,
    leave_slack_out,
    bind,
    turn_a_sense,
    call_a_tail_the_mean,
    promise_more,
    lower_the_bound,
    claim_no_gap,
    lower_a_leaf,
    forget_the_prices,
    price_below_nothing,
    weigh_one_draw,
    take_weight_away,
    split_outside,
    allocate_other_curves,
]


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda f: f.__name__)
def test_a_false_claim_is_named(claims, tamper) -> None:
    curves = json.loads(curves_json(PROBLEM))["channels"]
    assert all(holds for holds, _ in check.claims(claims, curves))
    changed = copy.deepcopy(claims)

    tamper(changed)

    assert changed != claims
    assert not all(holds for holds, _ in check.claims(changed, curves))


def leave_a_group_out(c: dict[str, Any]) -> None:
    c["proof"]["groups"].pop()
    c["proof"]["parts"].pop()


def count_a_draw_twice(c: dict[str, Any]) -> None:
    c["proof"]["groups"][1].append(c["proof"]["groups"][0][0])


def invent_a_draw(c: dict[str, Any]) -> None:
    c["proof"]["groups"][1].append(-1)


def weigh_draws_of_another_group(c: dict[str, Any]) -> None:
    c["proof"]["parts"].reverse()


@pytest.mark.parametrize(
    "tamper",
    [leave_a_group_out, count_a_draw_twice, invent_a_draw, weigh_draws_of_another_group],
    ids=lambda f: f.__name__,
)
def test_a_false_claim_about_the_draws_below_a_percentile_is_named(tamper) -> None:
    problem = random_problem(3, "p10")
    curves = json.loads(curves_json(problem))["channels"]
    claims = json.loads(allocate(problem).certificate.text)
    assert all(holds for holds, _ in check.claims(claims, curves))

    tamper(claims)

    assert not all(holds for holds, _ in check.claims(claims, curves))


def test_the_program_needs_nothing_else_and_is_short() -> None:
    source = CHECK.read_text()
    imports = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imports}

    assert len(source.splitlines()) <= 100
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_program_says_what_is_false_and_exits_so(claims, tmp_path) -> None:
    curves, certificate = tmp_path / "curves.json", tmp_path / "certificate.json"
    curves.write_text(curves_json(PROBLEM))
    certificate.write_text(canonical_json(claims))
    command = [sys.executable, "-I", str(CHECK), str(certificate), str(curves)]

    good = subprocess.run(command, capture_output=True, text=True, check=False)
    promise_more(claims := copy.deepcopy(claims))
    certificate.write_text(canonical_json(claims))
    bad = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (good.returncode, good.stdout) == (0, "Every claim holds.\n")
    assert bad.returncode == 1
    assert "False: the objective is what the curves say." in bad.stdout


def test_a_certificate_is_the_same_byte_for_byte(claims) -> None:
    assert allocate(PROBLEM).certificate.text == canonical_json(claims)
