"""What a plan asks of the split: risk, limits and targets, beside the guardrails' caps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.allocation_settings import AllocationSettings
from pipelines.config import MmmSettings
from pipelines.jobs.allocation import check
from pipelines.jobs.mmm.allocation import NoSplit, Split, split_budget
from pipelines.jobs.mmm.curves import percentiles
from pipelines.jobs.mmm.decision import STRETCH, claimed
from pipelines.jobs.mmm.panel import Floats, Panel
from pipelines.jobs.mmm.weeks import Weeks
from pipelines.policy_settings import AllocationCaps

pytestmark = pytest.mark.slow

CHANNELS = ("affiliate", "display", "search", "social")
SPENT = np.array([1_000.0, 4_000.0, 10_000.0, 5_000.0])  # money a week: 20,000 in all
CAPS = AllocationCaps(max_change_percent=20)
RISKS: tuple[dict[str, Any], ...] = (
    {"risk": "mean"},
    {"risk": "cvar", "level": 0.2},
    {"risk": "p10"},
)


@dataclass(frozen=True)
class Concave:
    """Brings a height times the root of a week's spend."""

    panel: Panel
    heights: Floats
    checks: Mapping[str, float] = field(default_factory=dict)

    def brought(self, channel: int, spend: Floats) -> Floats:
        return self.heights[:, channel, None, None] * np.sqrt(spend)

    def totals(self, channel: int, paths: Floats, weeks: int) -> Floats:
        return self.heights[:, channel, None] * np.sqrt(paths[:, :, -weeks:]).sum(axis=(1, 2))

    def expected(self, later: Panel) -> Floats:
        raise NotImplementedError


def weeks_of(spent: Floats = SPENT) -> Weeks:
    weeks = np.tile(spent, (30, 1)) * (1 + 0.3 * np.sin(np.arange(30)))[:, None]
    weeks[-4:] = spent
    weeks[0] += 1.0  # what has stopped had spent once
    return Weeks(
        starts=tuple(date(2026, 1, 5) + timedelta(weeks=i) for i in range(30)),
        channels=CHANNELS,
        spend_micros=np.rint(weeks * 1e6).astype(np.int64),
        orders=np.full(30, 1_000),
        revenue_micros=np.full(30, 50_000_000_000),
        currency_code="USD",
    )


def fitted(weeks: Weeks, draws: int = 200, unsure: float = 0.6) -> Concave:
    """Display brings the most for more money on average, and nobody knows whether it does."""
    random = np.random.default_rng(7)
    heights = np.array([0.5, 2.6, 3.0, 1.5]) * (
        1 + np.array([0.1, unsure, 0.05, 0.1]) * random.standard_normal((draws, 4))
    )
    panel = Panel(
        weeks.starts,
        ("all",),
        weeks.channels,
        weeks.spend_micros[None] / 1e6,
        weeks.orders[None].astype(float),
        np.zeros((1, len(weeks.starts), 0)),
    )
    return Concave(panel, heights)


def split(plan: dict[str, Any], weeks: Weeks | None = None) -> Split | NoSplit:
    weeks = weeks or weeks_of()
    return split_budget(fitted(weeks), weeks, CAPS, AllocationSettings.model_validate(plan))


def made(plan: dict[str, Any], weeks: Weeks | None = None) -> Split:
    result = split(plan, weeks)
    assert isinstance(result, Split), result
    return result


def refused(plan: dict[str, Any], weeks: Weeks | None = None) -> str:
    result = split(plan, weeks)
    assert isinstance(result, NoSplit)
    return result.reason


def proposed(result: Split) -> dict[str, float]:
    return {row["channel"]: row["proposed_weekly_micros"] / 1e6 for row in result.rows}


def false_claims(result: Split) -> list[str]:
    assert result.certificate is not None
    certificate, curves = (json.loads(result.certificate[k]) for k in ("certificate", "curves"))
    return [text for holds, text in check.claims(certificate, curves["channels"]) if not holds]


def constraints(result: Split) -> dict[str, dict[str, Any]]:
    assert result.certificate is not None
    listed = json.loads(result.certificate["certificate"])["constraints"]
    return {row["name"]: row for row in listed}


PLAN = {
    "channels": {
        "search": {"floor": 9_800, "ceiling": "10100.50", "max_step_percent": 15},
        "social": {"max_step_percent": 5},
    },
    "groups": {"upper": {"channels": ["display", "social"], "floor": 8_700, "ceiling": 9_050}},
    "cac_ceiling": 60,
    "roas_floor": 0.5,
}


@pytest.mark.parametrize("risk", RISKS, ids=lambda risk: risk["risk"])
def test_all_that_is_asked_for_holds_to_the_micro_and_is_in_a_certificate_that_holds(
    risk: dict[str, Any],
) -> None:
    result = made(PLAN | risk)
    spend = {row["channel"]: row["proposed_weekly_micros"] for row in result.rows}

    assert sum(spend.values()) == 20_000_000_000
    assert all(
        0.8 * row["current_weekly_micros"] <= spend[row["channel"]]
        and spend[row["channel"]] <= 1.2 * row["current_weekly_micros"]
        for row in result.rows
    )
    assert 9_800_000_000 <= spend["search"] <= 10_100_500_000
    assert 4_750_000_000 <= spend["social"] <= 5_250_000_000
    assert 8_700_000_000 <= spend["display"] + spend["social"] <= 9_050_000_000
    rows = constraints(result)
    assert rows["floor of search"]["bound"] == 9_800_000_000
    assert rows["ceiling of search"]["bound"] == 10_100_500_000
    assert rows["step of social at most"]["bound"] == 5_250_000_000
    assert rows["ceiling of group upper"]["channels"] == ["display", "social"]
    assert rows["caps of search at most"]["bound"] == 12_000_000_000
    assert rows["cost of an order of all channels"]["cost"] == 60_000_000
    assert rows["return of all channels"]["cost"] == pytest.approx(100_000_000)
    assert false_claims(result) == []


def test_the_bounds_that_a_row_shows_are_the_tightest_of_caps_and_plan() -> None:
    rows = {row["channel"]: row for row in made(PLAN).rows}

    assert (rows["search"]["lower_micros"], rows["search"]["upper_micros"]) == (
        9_800_000_000,
        10_100_500_000,
    )
    assert rows["display"]["upper_micros"] == 4_800_000_000


def test_a_limit_looser_than_the_caps_changes_nothing() -> None:
    loose = {"channels": {"search": {"floor": 1, "ceiling": 10**6, "max_step_percent": 100}}}
    assert made(loose).rows == made({}).rows


def test_who_shuns_risk_moves_less_to_the_channel_that_nobody_knows() -> None:
    now = SPENT[CHANNELS.index("display")]
    on_average, tail, percentile = (proposed(made(risk))["display"] for risk in RISKS)

    assert on_average == pytest.approx(1.2 * now)  # as far as the caps allow
    assert tail < 1.05 * now
    assert percentile < 1.15 * now


def test_the_risk_is_that_of_the_change_that_is_claimed() -> None:
    """Today's split can't lose anything, so what is chosen for its worst draws doesn't either."""
    for risk, level in zip(RISKS[1:], (0.2, 0.1), strict=True):
        result = made(risk)
        lowest = np.sort(result.gain)[: int(level * len(result.gain))]
        worst = (
            float(lowest.mean()) if risk["risk"] == "cvar" else float(percentiles(result.gain)[0])
        )
        assert worst >= -0.05
    by_mean = made({}).gain
    assert np.quantile(by_mean, 0.1) < -1
    assert by_mean.mean() > made(RISKS[1]).gain.mean()
    assert claimed(by_mean).std() > by_mean.std()  # `gain` is claimed once


def test_a_split_that_may_gain_nothing_is_not_recommended() -> None:
    """Here the best on average may lose orders; the one for the worst draws can't."""
    unsure = made({})
    assert percentiles(unsure.gain)[0] < 0
    assert not unsure.recommended
    assert {row["is_recommended"] for row in unsure.rows} == {False}
    assert made({"risk": "p10"}).recommended is bool(percentiles(made({"risk": "p10"}).gain)[0] > 0)


def test_a_step_that_nine_in_ten_draws_gain_by_is_recommended_if_its_claim_holds_nothing() -> None:
    weeks = weeks_of()
    result = split_budget(fitted(weeks, unsure=0.3), weeks, CAPS, None)
    assert isinstance(result, Split)
    low = percentiles(result.gain)[0]
    assert low < 0 < low + (result.gain.mean() - low) * (1 - 1 / STRETCH)
    assert result.recommended


def test_a_split_that_a_plan_asks_for_is_recommended_whatever_it_costs() -> None:
    now = SPENT[CHANNELS.index("display")]
    assert made({"channels": {"display": {"ceiling": now * 0.9}}}).recommended
    assert not made({"channels": {"display": {"ceiling": now * 1.3}}}).recommended


@pytest.mark.parametrize("risk", RISKS[:2], ids=lambda risk: risk["risk"])
def test_last_bits_of_the_draws_move_no_cent(risk: dict[str, Any]) -> None:
    weeks = weeks_of()
    engine = fitted(weeks)
    noise = 1 + 1e-12 * np.random.default_rng(1).standard_normal(engine.heights.shape)
    other = Concave(engine.panel, engine.heights * noise)
    plan = AllocationSettings.model_validate(PLAN | risk)

    one, two = (split_budget(e, weeks, CAPS, plan) for e in (engine, other))

    assert isinstance(one, Split)
    assert isinstance(two, Split)
    for row, same in zip(one.rows, two.rows, strict=True):
        assert abs(row["proposed_weekly_micros"] - same["proposed_weekly_micros"]) < 10_000


def test_a_floor_that_the_caps_do_not_let_a_channel_reach_names_both_and_what_would_do() -> None:
    reason = refused({"channels": {"display": {"floor": 6_000}}})

    assert "'caps of display at most' (display <= 4,800.00 USD)" in reason
    assert "'floor of display' (display >= 6,000.00 USD)" in reason
    assert "would do: 'floor of display' >= 4,800.00 USD." in reason


def test_floors_over_the_budget_are_named_and_the_budget_is_no_remedy() -> None:
    floors = {"search": {"floor": 11_500}, "social": {"floor": 5_500}, "display": {"floor": 4_500}}
    reason = refused({"channels": floors})

    assert "'budget at most' (affiliate + display + search + social <= 20,000.00 USD)" in reason
    assert all(f"'floor of {name}'" in reason for name in floors)
    assert "'floor of search' >= 9,000.00 USD" in reason
    assert "'budget at most' <=" not in reason.partition("would do:")[2]


def test_a_group_that_its_channels_cannot_fill_is_refused_with_the_numbers() -> None:
    reason = refused({"groups": {"upper": {"channels": ["display", "social"], "floor": 11_000}}})

    assert "'floor of group upper' (display + social >= 11,000.00 USD)" in reason
    assert "'floor of group upper' >= 10,800.00 USD" in reason


def test_a_cost_of_an_order_that_no_split_reaches_says_which_would_do() -> None:
    reason = refused({"cac_ceiling": 10})
    cost = float(reason.partition("would do: 'cost of an order of all channels' <= ")[2].split()[0])

    assert "'cost of an order of all channels' (cac of " in reason
    assert "<= 10.00 USD" in reason
    assert isinstance(split({"cac_ceiling": cost}), Split)


def test_a_target_of_one_channel_keeps_its_spend_down() -> None:
    free = proposed(made({}))["display"]
    engine, at = fitted(weeks_of()), CHANNELS.index("display")
    height = engine.heights[:, at].mean()
    limit = 4_400.0
    cost = limit / (height * np.sqrt(limit))  # of an order, at this spend and below

    held = made({"channels": {"display": {"cac_ceiling": f"{cost:.6f}"}}})

    assert free == pytest.approx(4_800)
    assert proposed(held)["display"] == pytest.approx(limit, rel=0.002)
    assert false_claims(held) == []


def test_a_channel_that_is_not_there_is_refused_with_the_name_that_is_like_it() -> None:
    reason = refused({"channels": {"serch": {"floor": 1}}})
    assert "'serch' is no channel of the media mix (did you mean search?)" in reason


def test_a_channel_that_has_stopped_stays_at_zero_and_cannot_hold_a_floor() -> None:
    weeks = weeks_of(np.array([0.0, 4_000.0, 10_000.0, 5_000.0]))

    stays = made({"channels": {"affiliate": {"ceiling": 10}}}, weeks)
    assert "affiliate" not in proposed(stays)
    assert constraints(stays)["ceiling of affiliate"]["value"] == 0
    assert false_claims(stays) == []
    reason = refused({"channels": {"affiliate": {"floor": 10}}}, weeks)
    assert "affiliate spent nothing in the last 4 weeks, so its spend stays at 0." in reason


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"channels": {"google_adz": {"floor": 1}}}, "did you mean google_ads?"),
        ({"channels": {"google_ads:brand": {"floor": 1}}}, "is no channel"),
        ({"channels": {"google_ads": {"floor": 2, "ceiling": 1}}}, r"floor \(2\) is over its ceil"),
        ({"channels": {"google_ads": {"floor": -1}}}, "greater than or equal to 0"),
        ({"channels": {"google_ads": {"floor": "0.0000001"}}}, "6 decimal places"),
        ({"groups": {"all": {"channels": ["google_ads", "google_ads"]}}}, "twice"),
        ({"risk": "mean", "level": 0.2}, "level is of risk: cvar"),
        ({"risk": "variance"}, "'mean', 'cvar' or 'p10'"),
        (
            {
                "channels": {"google_ads": {"floor": 7}, "meta_ads": {"floor": 4}},
                "groups": {"both": {"channels": ["google_ads", "meta_ads"], "ceiling": 10}},
            },
            r"group both are 11 together, over its ceiling \(10\)",
        ),
        (
            {
                "channels": {"google_ads": {"ceiling": 7}},
                "groups": {"one": {"channels": ["google_ads"], "floor": 8}},
            },
            r"group one are 7 together, below its floor \(8\)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_contradicts_itself_is_refused_when_the_settings_are_read(
    plan: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        MmmSettings.model_validate({"allocation": plan})
