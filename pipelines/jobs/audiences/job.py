"""The audiences job: what is wrong with how ad sets are set, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.job_settings import AudienceSettings
from pipelines.jobs.audiences.ad_set import Audience, Known, ad_set_of
from pipelines.jobs.audiences.mistakes import CHECKS, SEVERITIES, Mistake
from pipelines.jobs.base import Outcome, Progress, Row
from pipelines.warehouse import Warehouse

_MATURE_DAYS = 28  # visits whose conversions have come in
_LAG_DAYS = 90
FINDINGS = "contracts.audience_findings"


class AudiencesJob:
    """Mistakes by name (see :class:`pipelines.jobs.base.Job`)."""

    name = "audiences"
    model_version = "settings-2"
    tables = (FINDINGS,)
    plots = ()

    def settings(self, settings: Settings) -> AudienceSettings:
        return settings.jobs.audiences

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        folder = Path(__file__).parent
        days = {
            "first": as_of - timedelta(days=_MATURE_DAYS + _LAG_DAYS - 1),
            "last": as_of - timedelta(days=_MATURE_DAYS),
        }
        return {
            "ad_sets": warehouse.query((folder / "ad_sets.sql").read_text(), {"as_of": as_of}),
            "audiences": warehouse.query((folder / "audiences.sql").read_text()),
            "lags": warehouse.query((folder / "lags.sql").read_text(), days),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: AudienceSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        ad_sets = [ad_set_of(row) for row in inputs["ad_sets"].to_pylist()]
        if not ad_sets:
            return Outcome(
                "NO_DATA",
                f"No ad set with known settings spent anything in the 28 days to {as_of}. Settings "
                "of ad sets are landed from Meta.",
            )
        lags = {row["lag_days"]: row["conversions"] for row in inputs["lags"].to_pylist()}
        audiences = inputs["audiences"].to_pylist()
        mistakes = [
            mistake
            for key, account in groupby(ad_sets, key=lambda a: a.account)
            for own, known in [(list(account), _known(key, audiences, lags))]
            for check in CHECKS.values()
            for mistake in check(own, known, settings)
        ]
        progress(f"audiences: {len(mistakes)} findings")
        names = [m.name for m in mistakes]
        figures: dict[str, float | int | str | None] = {
            "ad_sets": len(ad_sets),
            "findings": len(mistakes),
            **{name: names.count(name) for name in CHECKS},
        }
        rows = {FINDINGS: list(_rows(mistakes))}
        return Outcome("PASS", _summary(mistakes, len(ad_sets)), figures, rows)


def _known(account: tuple[str, str], audiences: Sequence[Row], lags: Mapping[int, float]) -> Known:
    own = [row for row in audiences if (row["platform"], row["account_id"]) == account]
    return Known(
        {
            row["audience_id"]: Audience(
                row["audience_name"], row["retention_days"], row["people_at_most"]
            )
            for row in own
        },
        lags,
    )


def _summary(mistakes: list[Mistake], ad_sets: int) -> str:
    if not mistakes:
        return f"Nothing is wrong with how {ad_sets} ad sets are set, as far as settings tell."
    worst = min(mistakes, key=lambda m: (SEVERITIES.index(m.severity), -m.spend.micros))
    return f"{len(mistakes)} findings in {ad_sets} ad sets. The first: {worst.reason}"


def _rows(mistakes: list[Mistake]) -> Iterator[Row]:
    for mistake in mistakes:
        first = mistake.ad_sets[0]
        yield {
            "platform": first.platform,
            "account_id": first.account_id,
            "finding": mistake.name,
            "adgroup_ids": "\n".join(a.adgroup_id for a in mistake.ad_sets),
            "severity": mistake.severity,
            "spend_micros_28d": mistake.spend.micros,
            "currency_code": mistake.spend.currency,
            "reason": mistake.reason,
            "fix": mistake.fix,
            "evidence": canonical_json(mistake.evidence),
        }
