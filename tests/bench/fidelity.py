"""What the gates say of pacing's forecasts and of the bandits' rates, and of wrong ones.

    python -m tests.bench.fidelity pacing|bandits [--count 400] [--first-seed 501]

``pacing`` forecasts simulated months on their tenth day, as a run of that day does. ``bandits``
gives every creative of a market the same clicks; every day's rates are predicted from what has come
by then, and held against all that those clicks brought. Beside each stand forecasts that are wrong
on purpose, on which a gate should close.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.stats import beta

from pipelines.cli.console import Format, print_rows
from pipelines.config import PacingSettings
from pipelines.evaluate.pacing_months import COUNTRY, CampaignMonth, market_months
from pipelines.evaluate.pacing_platforms import platform_months
from pipelines.job_settings import FidelitySettings
from pipelines.jobs.bandits.delay import delay_distribution, maturity
from pipelines.jobs.bandits.evidence import Cohorts, beliefs_of
from pipelines.jobs.fidelity.gate import gate
from pipelines.jobs.fidelity.predictions import conversions, months
from pipelines.jobs.fidelity.score import Prediction, score
from pipelines.jobs.pacing.job import INTERVAL_Z, holidays_around
from pipelines.jobs.pacing.target import Month
from tests.bench.bandits import Log, uniform
from tests.bench.creative_markets import DAYS, CreativeMarket

Row = dict[str, Any]
LIMITS = PacingSettings(holidays=COUNTRY)


def pacing(count: int, first_seed: int) -> Iterator[tuple[str, list[Prediction]]]:
    for name, simulate in (("market", market_months), ("platforms", platform_months)):
        rows = [row for each in simulate(count, first_seed) if (row := _month(each))]
        healthy = [row for row in rows if not row["fault"]]
        yield f"{name}", months(rows)["live"]
        yield f"{name}, months without a fault", months(healthy)["live"]
        yield f"{name}, all too high by 30%", months([_moved(row, 1.3, 1) for row in rows])["live"]
        narrow = [_moved(row, 1, 0.2) for row in rows]
        yield f"{name}, intervals a fifth as wide", months(narrow)["live"]


def _month(simulated: CampaignMonth) -> Row | None:
    """A row as of predicted_months.sql; None where there is nothing that it would keep."""
    tenth, last = simulated.month[9], simulated.month[-1]
    seen = simulated.seen(tenth)
    if not seen.has_budget or seen.shared_budget_id:
        return None
    then, later = (
        Month.of(simulated.seen(day), day, holidays_around(day, LIMITS)) for day in (tenth, last)
    )
    forecast, target = then.forecast(tenth), then.total()
    if forecast is None or not target or abs(later.total() / target - 1) > 0.01:
        return None
    high = forecast.bound(INTERVAL_Z)
    if high is None or high <= forecast.micros:
        return None
    return {
        "basis": "live",
        "month_target_micros": target,
        "month_forecast_micros": forecast.micros,
        "month_forecast_high_micros": high,
        "month_cost_micros": sum(simulated.spent(day) for day in simulated.month),
        "fault": simulated.fault,
    }


def _moved(row: Row, times: float, width: float) -> Row:
    middle = row["month_forecast_micros"]
    reach = (row["month_forecast_high_micros"] - middle) * width
    high = middle * times + reach
    return row | {
        "month_forecast_micros": middle * times,
        "month_forecast_high_micros": high,
    }


def bandits(count: int, first_seed: int) -> Iterator[tuple[str, list[Prediction]]]:
    rows: dict[str, list[Row]] = {"ours": [], "young days read as failures, no wear-out": []}
    for seed in range(first_seed, first_seed + count):
        for name, row in _played(CreativeMarket(seed)):
            rows[name].append(row)
    for name, of in rows.items():
        of.sort(key=lambda row: (row["campaign_id"], row["ad_id"], row["date"]))
        yield name, conversions(of).get("live", [])
    dear = [row | {c: row[c] * 0.6 for c in row if c.startswith("cac_")} for row in rows["ours"]]
    yield "ours, all too high by two thirds", conversions(dear).get("live", [])


def _played(market: CreativeMarket) -> Iterator[tuple[str, Row]]:
    log = Log(market)
    for today in range(DAYS):
        running = np.flatnonzero((market.lives[:, 0] <= today) & (today < market.lives[:, 1]))
        clicks, _ = uniform(log, today, running, market.seed)
        if today >= 28:
            for name, counts in _believed(log, today, running).items():
                for place, creative in enumerate(running):
                    won, lost = (float(of[place]) for of in counts)
                    low, high = beta.ppf([0.025, 0.975], won, lost)
                    yield (
                        name,
                        {
                            **dict.fromkeys(("platform", "account_id", "adgroup_id"), "x"),
                            "campaign_id": market.seed,
                            "ad_id": int(creative),
                            "date": date(2026, 1, 1) + timedelta(days=today),
                            "cac_micros": (won + lost) / won,
                            "cac_low_micros": 1 / high,
                            "cac_high_micros": 1 / low,
                            "cost_reporting_micros": int(clicks[creative]),
                            "conversions": float(
                                (market.outcomes(today, creative)[: clicks[creative]] >= 0).sum()
                            ),
                        },
                    )
        log.record(today, clicks)


def _believed(log: Log, today: int, running: Any) -> dict[str, tuple[Any, Any]]:
    come, ages = log.known(today)
    within = delay_distribution(ages, come.sum(axis=1))
    seen = np.flatnonzero(log.market.lives[:, 0] <= today)
    cohorts = Cohorts(log.clicks[:today, seen], come[:, seen].sum(axis=2), maturity(ages, within))
    beliefs = beliefs_of(cohorts).of(np.searchsorted(seen, running))
    won = come.sum(axis=(0, 2))[running] + 1
    lost = log.clicks[:today].sum(axis=0)[running] - won + 2
    return {
        "ours": (beliefs.successes, beliefs.failures),
        "young days read as failures, no wear-out": (won, lost),
    }


SIDES: dict[str, Callable[[int, int], Iterator[tuple[str, list[Prediction]]]]] = {
    "pacing": pacing,
    "bandits": bandits,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("job", choices=SIDES)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=501)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    report = []
    for name, predictions in SIDES[args.job](args.count, args.first_seed):
        limits = FidelitySettings()
        scored = score(predictions, limits.max_bias)
        report.append(
            {
                "predictions of": name,
                "count": scored.count,
                "mape": round(scored.mape or 0, 3),
                "bias": round(scored.bias or 0, 3),
                "ks": round(scored.ks, 3),
                "in 80%": round(scored.coverage_80, 3),
                "verdict": gate(args.job, name, scored, limits)[0],
            }
        )
    print_rows(report, args.format, args.job)


if __name__ == "__main__":
    main()
