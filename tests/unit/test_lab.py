"""The closed loop: arms on one market, the platform without the truth, and the scores."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import Settings, WarehouseSettings
from pipelines.jobs.mmm.engines import engine_of, remembered
from pipelines.jobs.mmm.ensemble import fit_ensemble, sampler
from pipelines.jobs.mmm.weeks import MICRO
from pipelines.money import Money
from pipelines.proposals.kinds.base import Drafted
from pipelines.proposals.proposal import Interval
from pipelines.sandbox.lab.approver import approve, asked_for
from pipelines.sandbox.lab.hints import Logged, hints, logged, write_hints
from pipelines.sandbox.lab.loop import (
    ADCANARY,
    BUYER,
    CAPPED,
    EQUAL,
    SETTINGS,
    STATUS_QUO,
    UNCAPPED,
    Run,
    carried_out,
    run_platform,
    run_seed,
)
from pipelines.sandbox.lab.oracle import best_path
from pipelines.sandbox.lab.reports import report
from pipelines.sandbox.lab.rules import buyers_rule, status_quo
from pipelines.sandbox.lab.scenario import ADVERSARIAL, OUTAGE_SHARE, SCENARIOS
from pipelines.sandbox.lab.score import broken, score
from pipelines.sandbox.lab.world import HISTORY_WEEKS, Books, World
from pipelines.sandbox.market.truth import CHANNELS
from pipelines.warehouse import open_warehouse

pytestmark = pytest.mark.slow

CAPS = SETTINGS.guardrails
WEEKS = 2


@pytest.fixture(scope="module", autouse=True)
def short_chains() -> Iterator[None]:
    """What the loop does with fits is tested, not how exact they are; each is made once."""
    with pytest.MonkeyPatch.context() as patch, remembered(64):
        patch.setattr(sampler, "CHAINS", 4)
        patch.setattr(sampler, "WARMUP", 20)
        patch.setattr(sampler, "SWEEPS", 40)
        yield


@pytest.fixture(scope="module")
def run(short_chains: None) -> Run:
    return run_seed(SCENARIOS["sandbox"], 1, WEEKS, lambda _: None)


def world(market: str = "sandbox", weeks: int = 12) -> World:
    return World(SCENARIOS[market], 3, weeks)


def held(market: World) -> Books:
    """What comes of budgets that nobody changes."""
    return market.run([market.present])


def orders(market: World, decided: list[np.ndarray]) -> float:
    return float(market.run(decided).expected[market.first :].sum())


def weekly(market: World, week: int) -> dict[int, dict]:
    """What is reported of the first channel, by week from the first decision."""
    rows = report(market, held(market), market.present, week).weekly.to_pylist()
    own = [r for r in rows if r["channel"] == market.channels[0]]
    return {i - HISTORY_WEEKS: row for i, row in enumerate(own)}


def test_the_same_seed_gives_the_same_decisions_and_another_seed_others(run: Run) -> None:
    (again,) = run_platform(World(SCENARIOS["sandbox"], 1, 1), SETTINGS, lambda _: None)
    assert again.advice == run.weeks[0].advice
    assert np.array_equal(again.after, run.weeks[0].after)
    other = World(SCENARIOS["sandbox"], 2, WEEKS)
    assert not np.array_equal(held(run.world).orders, held(other).orders)


def test_arms_that_decide_alike_have_the_same_orders_to_the_last_one() -> None:
    market = world()
    one, other = market.run([market.present]), market.run([market.present] * 12)
    assert np.array_equal(one.orders, other.orders)


def test_a_later_decision_changes_no_earlier_day() -> None:
    market = world()
    changed = market.run([market.present] * 5 + [market.present * 2])
    day = market.decided_on(5)
    assert np.array_equal(changed.orders[:day], held(market).orders[:day])
    assert changed.spend[day:].sum() > 1.9 * held(market).spend[day:].sum()


def test_the_status_quo_gains_nothing_and_every_arm_is_scored(run: Run) -> None:
    scored = score(run)
    assert scored.gain(STATUS_QUO) == 0
    assert set(scored.arms) == {ADCANARY, STATUS_QUO, EQUAL, BUYER, CAPPED, UNCAPPED}
    assert not scored.regret(CAPPED).any()


@pytest.mark.parametrize(
    ("market", "weeks"), [("sandbox", 6), ("structural_break", 11), ("two_currencies", 6)]
)
def test_no_capped_arm_brings_more_than_the_best_under_the_caps(market: str, weeks: int) -> None:
    made = world(market, weeks)
    best = orders(made, best_path(made, CAPS))
    assert best > orders(made, status_quo(made))
    assert best > orders(made, buyers_rule(made, CAPS))
    assert orders(made, best_path(made, None)) > best
    random = np.random.default_rng(5)
    for _ in range(20):  # and no path of steps that the caps allow
        now, path = np.ones(3), []
        for _ in range(made.weeks):
            change = random.uniform(-0.05, 0.05, 3) * now
            spent = made.spent_daily(made.present, made.decided_on(0) - 1)
            change[change > 0] *= min(1.0, -_part(change, spent, -1) / _part(change, spent, 1))
            now = now + change
            path.append(made.present * now[made.channel_of])
        assert orders(made, path) < best


def _part(change: np.ndarray, spent: np.ndarray, sign: int) -> float:
    return float((change * spent)[change * sign > 0].sum()) or 1e-12


def test_the_best_under_the_caps_breaks_none(run: Run) -> None:
    caps, market = CAPS, run.world
    before = market.present
    for week, after in enumerate(run.arms[CAPPED]):
        assert (np.abs(after / before - 1) <= caps.max_change_percent / 100 + 1e-5).all()
        day = market.decided_on(week) - 1
        assert market.spent_daily(after, day).sum() <= market.spent_daily(before, day).sum() + 0.01
        before = after


def test_budgets_are_changed_by_what_was_approved_and_by_nothing_else(run: Run) -> None:
    approved = [week for week in run.weeks if week.approved]
    assert approved
    for week in run.weeks:
        changed = week.after - week.before
        proposed = {p.target.campaign_id: p.delta for p in week.approved}
        for i, plan in enumerate(run.world.plans):
            delta = proposed.get(plan.campaign.campaign_id, Money(0, "USD"))
            assert changed[i] * MICRO == pytest.approx(delta.micros, abs=1)
        assert not list(broken(run, week))
    assert np.array_equal(run.arms[ADCANARY][-1], run.weeks[-1].after)


def test_a_change_that_breaks_a_cap_is_counted(run: Run) -> None:
    week = run.weeks[0]
    doubled = replace(week, after=week.before * 2)
    assert set(broken(run, doubled)) == {"max_change", "budget_neutral"}
    starved = np.where(run.world.channel_of == 2, 0.01, 1.0) * week.before
    assert set(broken(run, replace(week, after=starved))) == {"max_change", "channel_floor"}


def test_increases_are_approved_only_as_far_as_cuts_pay_for_them(run: Run) -> None:
    week = next(week for week in run.weeks if week.approved)
    rates = week.reported.market.rates
    proposals = week.advice.drafted.proposals
    cuts = [p for p in proposals if p.delta.micros < 0]
    assert not approve([p for p in proposals if p.delta.micros > 0], rates)
    assert not approve(cuts, rates)  # no increase needs them
    worth = sum(rates.convert(p.delta).micros for p in approve(proposals, rates))
    assert worth <= 0
    assert np.array_equal(carried_out(run.world, week.before, ()), week.before)


@pytest.mark.parametrize(
    ("orders", "verdict", "asks"),
    [((0, 2.0, 4.0), "FAIL", True), ((0, 2.0, 4.0), "PASS", False), ((0, 0.5, 1), "FAIL", False)],
    ids=["unsure", "passes", "too dear in the middle, too"],
)
def test_an_increase_that_is_too_dear_only_at_the_pessimistic_end_asks_for_a_test(
    run: Run, orders: tuple[float, float, float], verdict: str, asks: bool
) -> None:
    advice = run.weeks[0].advice
    rising = next(p for p in advice.drafted.proposals if p.delta.micros > 0)
    held = tuple(
        replace(c, verdict=verdict) if c.name == "cac_ceiling" else c for c in rising.constraints
    )
    # 80.00 a week, and 80.00 an order at most
    effect = replace(rising.effect, spend=Money(80_000_000, "USD"), orders=Interval(*orders))
    made = replace(rising, constraints=held, effect=effect)
    dearer = replace(effect, orders=Interval(*(n / 1.5 for n in orders)))
    other = replace(made, target=replace(rising.target, platform="another"), effect=dearer)
    said = replace(advice, doubts=(), drafted=Drafted((other, made), ()))
    asked = asked_for(said, run.weeks[0].reported.market.rates, CAPS)
    assert asked == ({rising.target.platform} if asks else set())


def test_a_failed_proposal_is_never_approved(run: Run) -> None:
    for week in run.weeks:
        assert all(p.verdict == "PASS" for p in week.approved)


def test_orders_of_the_future_and_the_truth_reach_no_job(run: Run) -> None:
    reported = run.weeks[0].reported
    assert max(reported.weekly["week_start"].to_pylist()) < run.world.as_of(0)
    assert max(reported.site_days["date"].to_pylist()) == run.world.as_of(0)
    names = {*reported.weekly.column_names, *reported.channel_days.column_names}
    assert not {n for n in names if "expected" in n or "truth" in n}


def test_a_fit_of_the_same_panel_is_made_once_and_is_the_same() -> None:
    from pipelines.jobs.mmm.controls import controls_of
    from pipelines.jobs.mmm.weeks import Weeks, panel_of, prepare_weeks

    reported = report(world(), held(world()), world().present, 0)
    weeks = prepare_weeks(reported.weekly, SETTINGS.jobs.mmm, reported.as_of)
    assert isinstance(weeks, Weeks)
    panel = panel_of(weeks, controls_of(None, weeks.starts))
    fresh = fit_ensemble(panel, 1)
    with remembered():
        engine = engine_of("ensemble")
        first = engine(panel, 1)
        assert engine_of("ensemble")(panel_of(weeks, controls_of(None, weeks.starts)), 1) is first
        assert engine(panel, 2) is not first
        assert engine(panel.until(90), 1) is not first
    assert np.array_equal(fresh.heights, first.heights)  # type: ignore[attr-defined]


def test_a_structural_break_changes_what_channels_bring_from_its_week_on() -> None:
    market = world("structural_break")
    usual, changed = held(world()).expected, held(market).expected
    day = market.decided_on(market.scenario.break_week)
    tiktok = 1 + market.channels.index("tiktok_ads")
    assert np.array_equal(usual[:day], changed[:day])
    assert changed[day:, tiktok] == pytest.approx(usual[day:, tiktok] / 3)


def test_the_channel_without_effect_brings_nothing_and_goes_with_demand() -> None:
    market = world("zero_effect")
    books, at = held(market), market.channels.index("meta_ads")
    assert not books.expected[:, 1 + at].any()
    assert books.claimed[:, at].sum() > 0
    weeks = slice(0, 7 * HISTORY_WEEKS)
    spend = (books.cost / np.concatenate([market.history, np.tile(market.present, (84, 1))]))[weeks]
    share = spend[:, market.channel_of == at].mean(axis=1).reshape(-1, 7).mean(axis=1)
    demand = market.demand[weeks].reshape(-1, 7).mean(axis=1)
    assert np.corrcoef(share, demand)[0, 1] > 0.9


def test_a_platform_that_over_claims_misleads_the_buyer_and_nobody_else() -> None:
    market = world("over_claim")
    at = market.channels.index("meta_ads")
    assert held(market).claimed[:, at] == pytest.approx(3 * held(world()).claimed[:, at])
    assert np.array_equal(held(market).orders, held(world()).orders)
    ours, usual = (report(w, held(w), w.present, 0) for w in (market, world()))
    assert (ours.weekly, ours.site_days) == (usual.weekly, usual.site_days)
    assert ours.channel_days != usual.channel_days
    day = market.decided_on(0)
    last = buyers_rule(market, CAPS)[-1]
    assert market.spent_daily(last, day)[at] > market.spent_daily(market.present, day)[at]


def test_missing_weeks_are_not_complete_until_they_are_landed() -> None:
    market = world("missing_weeks")
    due, landed = weekly(market, 9), weekly(market, 12)
    assert not due[-80]["is_complete"]
    assert not landed[-80]["is_complete"]
    assert not due[8]["is_complete"]
    assert landed[8]["is_complete"]
    assert due[7]["is_complete"]


def test_an_outage_of_tracking_hides_orders_that_came() -> None:
    market = world("tracking_outage")
    first, weeks = market.scenario.outage
    seen, usual = weekly(market, 12), weekly(world(), 12)
    for week in range(first, first + weeks):
        ratio = seen[week]["orders"] / usual[week]["orders"]
        assert ratio == pytest.approx(OUTAGE_SHARE, abs=0.02)
    assert seen[first - 1] == usual[first - 1]
    assert np.array_equal(held(market).orders, held(world()).orders)


def test_two_currencies_have_a_rate_and_the_same_dollars_to_begin_with() -> None:
    market = world("two_currencies")
    reported = report(market, held(market), market.present, 0)
    assert {c.currency for c in reported.market.campaigns} == {"USD", "EUR"}
    assert reported.market.rates.knows("EUR")
    day = market.decided_on(0) - 1
    assert market.spent_daily(market.present, day) == pytest.approx([700, 650, 200], rel=1e-3)
    assert len(set(market.eur_rate)) > 100


def test_every_adversarial_market_of_the_issue_is_there() -> None:
    assert set(ADVERSARIAL) == {
        "structural_break",
        "zero_effect",
        "over_claim",
        "missing_weeks",
        "tracking_outage",
        "two_currencies",
    }


def test_steady_orders_are_those_of_the_sandboxs_truth() -> None:
    truth = CHANNELS["tiktok_ads"]
    market = world()
    at = market.channels.index("tiktok_ads")
    assert market.steady(at, 0, 200.0) == pytest.approx(
        7 * float(truth.saturation(np.array([200.0]))[0])
    )


def log_of(weeks: int, step: float) -> list[Logged]:
    """Two channels, of which the first brings an order a dollar up to any spend."""
    grid = np.tile(np.linspace(0, 1000, 11), (2, 1))
    curves = np.array([[own * k, own * 0] for k in (0.8, 1.0, 1.2) for own in (grid[0],)])
    moved = [50 * (1 + step) ** i for i in range(weeks)]
    return [Logged(np.array([m, 500 - m]), 3.0, grid, curves) for m in moved]


def test_a_hint_values_another_cap_by_the_curves_and_by_weeks_like_it() -> None:
    made = {hint.hinted_value: hint for hint in hints(log_of(20, 0.02), 5.0, date(2026, 6, 30))}
    assert made[10.0].delta_orders_p50 > 0 > made[0.0].delta_orders_p50
    spent = [50 * 1.02**i for i in range(20)]
    assert made[0.0].delta_orders_p50 == pytest.approx(50 - np.mean(spent), rel=0.05)
    assert made[7.5].delta_orders_p10 < made[7.5].delta_orders_p50 < made[7.5].delta_orders_p90
    assert made[7.5].effective_weeks > made[10.0].effective_weeks


def test_a_hint_that_the_log_has_no_weeks_for_is_refused() -> None:
    made = list(hints(log_of(20, 0.05), 1.0, date(2026, 6, 30)))
    refused = next(hint for hint in made if hint.hinted_value == 10)
    assert refused.verdict == "REFUSED"
    assert "had other splits" in refused.reason


def test_hints_are_written_once_and_propose_nothing(run: Run, tmp_path: Path) -> None:
    made = list(hints(logged(run), CAPS.max_change_percent, run.weeks[-1].reported.as_of))
    assert [hint.verdict for hint in made] == ["REFUSED"] * 4
    settings = Settings(warehouse=WarehouseSettings(path=tmp_path / "w.duckdb"))
    warehouse = open_warehouse(settings, create=True)
    for _ in range(2):
        write_hints(warehouse, made)
    rows = warehouse.query("SELECT * FROM contracts.policy_hints ORDER BY hinted_value")
    assert rows.to_pylist() == [asdict(hint) for hint in made]
    assert not warehouse.query("SELECT 1 FROM canary.canary_proposals").num_rows


def test_hints_of_a_simulation_are_kept_out_of_a_real_warehouse(tmp_path: Path) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("warehouse: {path: w.duckdb}\n")
    asked = ["lab", "closed-loop", "--hints", "--config", str(config)]
    result = CliRunner().invoke(app, asked)
    assert "isn't of a sandbox" in str(result.exception)


def test_the_command_prints_the_keys_that_others_rely_on(tmp_path: Path) -> None:
    asked = ["lab", "closed-loop", "--weeks", "1", "--seeds", "1", "--first-seed", "1"]
    result = CliRunner().invoke(app, [*asked, "--format", "json", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    whole = json.loads(result.stdout)
    assert whole == json.loads((tmp_path / "sandbox.json").read_text())
    keys = {"captured_gain", "cac_violations", "coverage"}
    assert keys <= whole.keys()
    assert [seed["seed"] for seed in whole["by_seed"]] == [1]
    assert all(keys <= seed.keys() for seed in whole["by_seed"])
    assert (tmp_path / "sandbox.png").read_bytes()[:4] == b"\x89PNG"


def test_an_unknown_market_is_refused_with_the_names_of_all() -> None:
    result = CliRunner().invoke(app, ["lab", "closed-loop", "--market", "moon"])
    assert result.exit_code
    assert "structural_break" in str(result.exception)
