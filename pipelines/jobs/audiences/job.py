"""The audiences job: what is wrong with how ad sets are set, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.job_settings import AudienceSettings
from pipelines.jobs.audiences.ad_set import ad_set_of
from pipelines.jobs.audiences.mistakes import CHECKS, SEVERITIES, Mistake
from pipelines.jobs.base import Outcome, Progress, Row
from pipelines.warehouse import Warehouse

FINDINGS = "contracts.audience_findings"


class AudiencesJob:
    """Mistakes by name (see :class:`pipelines.jobs.base.Job`)."""

    name = "audiences"
    model_version = "settings-1"
    tables = (FINDINGS,)
    plots = ()

    def settings(self, settings: Settings) -> AudienceSettings:
        return settings.jobs.audiences

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        sql = (Path(__file__).parent / "ad_sets.sql").read_text()
        return {"ad_sets": warehouse.query(sql, {"as_of": as_of})}

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
        mistakes = [
            mistake
            for _, account in groupby(ad_sets, key=lambda a: a.account)
            for own in [list(account)]
            for check in CHECKS.values()
            for mistake in check(own, settings)
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
