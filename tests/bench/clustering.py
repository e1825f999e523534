"""Clusters of people against known interests, from week to week, and on a million texts.

    python -m tests.bench.clustering recovery --seeds 101 102 103
    python -m tests.bench.clustering speed [--rows 1000000] [--encoders use tfidf]

``recovery`` takes the sandbox's GA4 export as it is, with every device for a person of its own,
and leaves out what fewer than ten people saw, as the mart does. ``speed`` runs each encoder in a
process of its own; a shared machine makes seconds long, so the target is held against CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.metrics import adjusted_rand_score

from pipelines.config import Settings
from pipelines.jobs.base import Outcome
from pipelines.jobs.clustering.encoders import TFIDF, USE, open_encoder
from pipelines.jobs.clustering.job import CLUSTERS, MEMBERS, WEEKS, ClusteringJob
from pipelines.jobs.clustering.model import cluster_people
from pipelines.jobs.clustering.texts import person_texts
from pipelines.sandbox.market.interests import catalogue
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.market.visitors import interest_truth
from tests.bench.clustering_texts import million

SUNDAY = date(2026, 6, 28)
RUNS = 5  # the first, and four weeks after it
K_ANONYMITY = 10
CORES = 2

Seen = tuple[date, str, str, str]


def seen_texts(market: Market, start: date, end: date) -> Iterator[Seen]:
    """What the mart holds of a market: week, device, kind and text, an event a row."""
    for index in range((end - start).days + 1):
        day = start + timedelta(days=index)
        week = day - timedelta(days=day.weekday())
        for event in market.ga4_events(day, day + timedelta(days=5)):
            device, name = event.get("user_pseudo_id"), event["event_name"]
            if device is None:
                continue
            texts = {p["key"]: p["value"].get("string_value") for p in event["event_params"]}
            if name in ("page_view", "view_item"):
                yield week, device, "page", texts["page_title"]
            if name == "view_search_results":
                yield week, device, "search", texts["search_term"].lower()
            if name in ("view_item", "add_to_cart", "purchase"):
                for item in event["items"]:
                    yield week, device, "item", item["item_name"]


def job_input(seen: list[Seen], last: date) -> pa.Table:
    """The job's texts of the weeks up to a Sunday."""
    first = last - timedelta(weeks=WEEKS) + timedelta(days=1)
    rows = [row for row in seen if first <= row[0] <= last]
    readers = defaultdict(set)
    for _, device, kind, text in rows:
        readers[kind, text].add(device)
    views: dict[tuple[str, str], list[Any]] = {}
    for week, device, kind, text in rows:
        if len(readers[kind, text]) >= K_ANONYMITY:
            entry = views.setdefault((device, text), [0, week])
            entry[0] += 1
            entry[1] = max(entry[1], week)
    return pa.table(
        {
            "person_id": [person for person, _ in sorted(views)],
            "text": [text for _, text in sorted(views)],
            "views": [views[key][0] for key in sorted(views)],
            "last_week": pa.array([views[key][1] for key in sorted(views)], pa.date32()),
        }
    )


def recovery(seed: int) -> dict[str, Any]:
    """Five weekly runs on one market: agreement with the truth, and ids that stay."""
    market = Market(seed)
    first = SUNDAY - timedelta(weeks=WEEKS + RUNS - 1) + timedelta(days=1)
    seen = list(seen_texts(market, first, SUNDAY))
    truth = interest_truth(market)
    job, settings = ClusteringJob(), ClusteringJob().settings(Settings())
    previous: list[dict[str, Any]] = []
    by_run: list[dict[str, str]] = []
    outcome = Outcome("NO_DATA", "")
    for run in range(RUNS):
        as_of = SUNDAY - timedelta(weeks=RUNS - 1 - run)
        earlier = pa.Table.from_pylist(previous) if previous else pa.table({})
        inputs = {"texts": job_input(seen, as_of), "previous": earlier}
        outcome = job.compute(inputs, settings, as_of, lambda _: None)
        if outcome.verdict != "PASS":
            return {"seed": seed, "verdict": outcome.verdict, "reason": outcome.reason}
        by_run.append({row["person_id"]: row["cluster_id"] for row in outcome.rows[MEMBERS]})
        rows = [dict(row) for row in outcome.rows[CLUSTERS] if row["people"]]
        previous = [row | {"of_this_week": False} for row in rows]
    members = by_run[-1]
    people = sorted(members)
    always = [p for p in by_run[0] if all(p in run for run in by_run)]
    stable = sum(len({run[p] for run in by_run}) == 1 for p in always)
    confidence = [row["confidence"] for row in outcome.rows[MEMBERS]]
    return {
        "seed": seed,
        "verdict": outcome.verdict,
        "clusters": outcome.diagnostics["clusters"],
        "stability": outcome.diagnostics["stability"],
        "people": outcome.diagnostics["people"],
        "members": len(people),
        "adjusted_rand_index": adjusted_rand_score(
            [truth[p] for p in people], [members[p] for p in people]
        ),
        "ceiling": _ceiling(job_input(seen, SUNDAY), members, truth),
        "mean_confidence": float(np.mean(confidence)),
        "people_in_all_runs": len(always),
        "ids_stable": stable / len(always),
        "languages_together": _languages_together(job_input(seen, SUNDAY), members),
    }


def _interest_by_text() -> dict[str, tuple[str, str]]:
    return {
        text: (interest, language)
        for interest, by_language in catalogue().items()
        for language, texts in by_language.items()
        for kind in ("items", "searches")
        for text in texts[kind]
    }


def _ceiling(texts: pa.Table, members: dict[str, str], truth: dict[str, str]) -> float:
    """The index of whoever knew of every text which interest it is of: some people only came once,
    for something else."""
    known = _interest_by_text()
    votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for person, text in zip(texts["person_id"].to_pylist(), texts["text"].to_pylist(), strict=True):
        plain = text.removesuffix(" | Canary Shop")
        if person in members and plain in known:
            votes[person][known[plain][0]] += 1
    people = sorted(votes)
    best = [max(sorted(votes[p]), key=votes[p].__getitem__) for p in people]
    return float(adjusted_rand_score([truth[p] for p in people], best))


def _languages_together(texts: pa.Table, members: dict[str, str]) -> float:
    """Share of interests whose German and whose English texts are most seen in one cluster."""
    known = _interest_by_text()
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for person, text in zip(texts["person_id"].to_pylist(), texts["text"].to_pylist(), strict=True):
        plain = text.removesuffix(" | Canary Shop")
        if person in members and plain in known:
            counts[known[plain]][members[person]] += 1
    most = {key: max(sorted(by), key=by.__getitem__) for key, by in counts.items()}
    return sum(most[i, "en"] == most[i, "de"] for i in catalogue()) / len(catalogue())


def speed(encoder: str, rows: int, seed: int) -> dict[str, Any]:
    """Cluster ``rows`` texts; the time to make them is not counted, their memory is."""
    load = million(rows, seed)
    before = _cpu()
    started = time.perf_counter()
    seen = person_texts(load.persons, load.texts)
    clusters = cluster_people(seen, open_encoder(encoder, seed), largest=25, seed=seed)
    seconds, cpu = time.perf_counter() - started, _cpu() - before
    truth = [load.truth[int(person[1:])] for person in seen.persons]
    return {
        "encoder": encoder,
        "texts": rows,
        "distinct": len(seen.texts),
        "people": len(seen.persons),
        "clusters": clusters.count,
        "adjusted_rand_index": adjusted_rand_score(truth, clusters.cluster),
        "cpu_seconds": cpu,
        f"minutes_on_{CORES}_cores": cpu / CORES / 60,
        "wall_seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["recovery", "speed"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--encoders", nargs="+", choices=[USE, TFIDF], default=[USE, TFIDF])
    options = parser.parse_args()
    tasks: list[tuple[Any, tuple[Any, ...]]] = [(recovery, (seed,)) for seed in options.seeds]
    if options.what == "speed":
        tasks = [(speed, (name, options.rows, options.seeds[0])) for name in options.encoders]
    # a process each: peak memory is of its own
    context = multiprocessing.get_context("spawn")
    for function, arguments in tasks:
        with context.Pool(1) as pool:
            sys.stdout.write(json.dumps(pool.apply(function, arguments)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
