"""The clustering job: the interests that people share this week, under last week's ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.config import Settings
from pipelines.job_settings import ClusteringSettings
from pipelines.jobs.base import Outcome, Plot, Progress, significant
from pipelines.jobs.clustering.plots import plot_interests
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value

if TYPE_CHECKING:
    from pipelines.jobs.clustering.model import Clusters
    from pipelines.jobs.clustering.texts import PersonTexts

CLUSTERS = "contracts.interest_clusters"
MEMBERS = "contracts.interest_cluster_members"
WEEKS = 12
"""Weeks of texts that a run reads: what the retention of events leaves by default."""

MAX_AGE_WEEKS = 2

Rows = list[dict[str, Any]]


class ClusteringJob:
    """Interests by clusters of people (see :class:`pipelines.jobs.base.Job`)."""

    name = "clustering"
    model_version = "person-mean-kmeans-2"
    tables = (CLUSTERS, MEMBERS)
    plots = (Plot("interests", plot_interests),)

    def settings(self, settings: Settings) -> ClusteringSettings:
        return settings.jobs.clustering

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        """Texts of whole weeks: nothing changes before the next week is over."""
        folder = Path(__file__).parent
        last = last_monday(as_of)
        first = last - timedelta(weeks=WEEKS - 1)
        before: dict[str, Value] = {
            "as_of": as_of,
            "week_end": last + timedelta(days=6),
            "model_version": self.model_version,
        }
        return {
            "texts": warehouse.query(
                (folder / "texts.sql").read_text(), {"first_week": first, "last_week": last}
            ),
            "previous": warehouse.query((folder / "previous.sql").read_text(), before),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: ClusteringSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        # scikit-learn and the encoder take seconds to import, and only a run needs them
        from pipelines.jobs.clustering.encoders import open_encoder
        from pipelines.jobs.clustering.model import cluster_people
        from pipelines.jobs.clustering.rows import cluster_rows, matched, member_rows
        from pipelines.jobs.clustering.texts import person_texts

        rows = inputs["texts"]
        week = last_monday(as_of)
        if refusal := _no_data(rows, week):
            return refusal
        views = np.array(rows["views"].to_pylist(), dtype=np.float64)
        seen = person_texts(rows["person_id"], rows["text"], views)
        figures: dict[str, float | int | str | None] = {
            "week_start": week.isoformat(),
            "people": len(seen.persons),
            "texts": len(seen.texts),
            "pairs": seen.rows,
            "encoder": settings.encoder,
        }
        if problem := too_little(seen, settings):
            return Outcome("INCONCLUSIVE", problem, figures)
        encoder = open_encoder(settings.encoder, settings.seed)
        known = [r for r in inputs["previous"].to_pylist() if r["encoder"] == encoder.name]
        previous = [row for row in known if not row["of_this_week"]]
        # an earlier run of this week, before late events came in, may have given ids already
        given = [r for r in known if r["of_this_week"] and r["change"] in {"BORN", "SPLIT"}]
        earlier = np.array([row["centroid"] for row in previous], dtype=np.float64)
        clusters = cluster_people(
            seen,
            encoder,
            largest=settings.max_clusters,
            seed=settings.seed,
            earlier=earlier,
            progress=lambda step: progress(f"clustering: {step}"),
        )
        figures |= _stability_figures(clusters)
        if problem := unstable(clusters, settings):
            return Outcome("INCONCLUSIVE", problem, figures)
        members = clusters.confidence >= settings.min_confidence
        matches = matched(clusters, previous, given, settings.min_similarity, week)
        of_run = {"week_start": week, "encoder": encoder.name}
        written = {
            CLUSTERS: [of_run | row for row in cluster_rows(clusters, matches, members)],
            MEMBERS: member_rows(seen, clusters, matches, members),
        }
        figures |= _changes(written[CLUSTERS])
        figures["members"] = len(written[MEMBERS])
        return Outcome("PASS", _summary(written, clusters, len(seen.persons)), figures, written)


def last_monday(as_of: date) -> date:
    """The Monday of the last week that is over at the end of a day."""
    return as_of - timedelta(days=(as_of.weekday() + 1) % 7 + 6)


def too_little(seen: PersonTexts, limits: ClusteringSettings) -> str | None:
    """Why there is too little to find interests in; None if there is enough."""
    if len(seen.persons) < limits.min_people:
        return (
            f"{len(seen.persons)} people saw a text that tells one from another; the job needs "
            f"{limits.min_people}. More weeks with consent, or titles and names of items on more "
            "pages, would bring them."
        )
    if len(seen.texts) < limits.min_texts:
        return (
            f"There are {len(seen.texts)} different texts that several people saw; the job needs "
            f"{limits.min_texts}. Titles of pages, names of items, or searches "
            "(sources.ga4_export.searches), would bring them."
        )
    return None


def unstable(clusters: Clusters, limits: ClusteringSettings) -> str | None:
    """Why no number of clusters can be relied on; None if one can."""
    agreement = clusters.agreement[clusters.count].mean
    if agreement >= limits.min_stability:
        return None
    return (
        "No number of clusters is stable: two halves of the people agree best on "
        f"{clusters.count}, at {agreement:.2f} (0 is chance, 1 the same; the job needs "
        f"{limits.min_stability:g}). "
        "More people, or more texts of each, would tell interests apart, if there are any."
    )


def _no_data(rows: pa.Table, week: date) -> Outcome | None:
    if not rows.num_rows:
        return Outcome(
            "NO_DATA",
            f"marts.person_texts_weekly has no text of the {WEEKS} weeks up to that of {week}: the "
            "job needs titles of pages, names of items or searches of people who consented, each "
            "seen by several. Ingest GA4's export, and build.",
        )
    last = max(rows["last_week"].to_pylist())
    age = (week - last).days // 7
    if age <= MAX_AGE_WEEKS:
        return None
    return Outcome(
        "NO_DATA",
        f"The last text is of the week of {last}, {age} weeks before that of {week} (at most "
        f"{MAX_AGE_WEEKS} are allowed). Ingest GA4's export, and build.",
    )


def _stability_figures(clusters: Clusters) -> dict[str, float]:
    by_number = clusters.agreement.items()
    figures = {f"stability_{k}": significant(one.mean) for k, one in by_number}
    return {
        "clusters": clusters.count,
        "stability": figures[f"stability_{clusters.count}"],
        "stability_error": significant(clusters.agreement[clusters.count].error),
        **figures,
    }


def _changes(rows: Rows) -> dict[str, int]:
    kinds = ("KEPT", "BORN", "SPLIT", "MERGED", "DIED")
    return {kind.lower(): sum(row["change"] == kind for row in rows) for kind in kinds}


def _summary(written: Mapping[str, Rows], clusters: Clusters, people: int) -> str:
    alive = [row for row in written[CLUSTERS] if row["people"]]
    largest = alive[0]
    changes = ", ".join(f"{n} {kind}" for kind, n in _changes(written[CLUSTERS]).items() if n)
    return (
        f"{people} people share {len(alive)} interests ({changes}), on which halves of them agree "
        f"at {clusters.agreement[clusters.count].mean:.2f}; {len(written[MEMBERS])} of them are "
        f"given one with enough confidence. The largest is {largest['label']} "
        f"({largest['share']:.0%})."
    )
