"""Experiments as GrowthBook's API gives them: the simulated site's own, and others around it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.sandbox.market.experiment import BANNER, CONTROL, EXPERIMENT, SiteExperiment

Json = dict[str, Any]


def definitions(experiment: SiteExperiment, today: date) -> list[Json]:
    """The organisation's experiments on a day, in order of creation.

    The first is over long since and its weights were changed, the second is the one that the
    market's visitors see, the third is a draft, and the last a bandit that was put away.
    """
    first = experiment.first_day
    old = [
        _phase(first - timedelta(days=200), first - timedelta(days=180), (0.9, 0.1)),
        _phase(first - timedelta(days=180), first - timedelta(days=150), (0.5, 0.5)),
    ]
    begun, over = today >= first, today > experiment.last_day
    ends = experiment.last_day + timedelta(days=1) if over else None
    status = "stopped" if over else "running" if begun else "draft"
    own = [_phase(first, ends, (0.5, 0.5))]
    return [
        _experiment("exp_0old", "free-shipping-bar", "stopped", old),
        _experiment("exp_1own", EXPERIMENT, status, own),
        _experiment("exp_2new", "checkout-copy", "draft", [_phase(today, None, (0.5, 0.5))]),
        _experiment(
            *("exp_3arm", "hero-image", "running", [_phase(first, None, (0.7, 0.3))]),
            type="multi-armed-bandit",
            archived=True,
        ),
    ]


def _experiment(id_: str, key: str, status: str, phases: list[Json], **more: Any) -> Json:
    stamp = phases[0]["dateStarted"]
    variations = [("var_a", CONTROL, "Control"), ("var_b", BANNER, "Treatment")]
    return {
        "id": id_,
        "trackingKey": key,
        "dateCreated": stamp,
        "dateUpdated": stamp,
        "name": key.replace("-", " ").capitalize(),
        "type": "standard",
        "project": "",
        "hypothesis": "More visitors sign up",
        "description": "",
        "tags": ["growth"],
        "owner": "u_sandbox",
        "ownerEmail": "owner@shop.example",
        "archived": False,
        "status": status,
        "autoRefresh": True,
        "hashAttribute": "device_id",
        "hashVersion": 2,
        "variations": [
            {"variationId": i, "key": k, "name": n, "description": "", "screenshots": []}
            for i, k, n in variations
        ],
        "phases": phases,
        "settings": {"datasourceId": "ds_sandbox", "experimentId": key},
        **({"resultSummary": {"status": "won"}} if status == "stopped" else {}),
        **more,
    }


def _phase(start: date, end: date | None, weights: tuple[float, float]) -> Json:
    """A phase from midnight UTC to midnight UTC."""
    ids = ("var_a", "var_b")
    return {
        "name": "Main",
        "dateStarted": _stamp(start),
        "dateEnded": _stamp(end) if end else "",
        "reasonForStopping": "",
        "seed": "",
        "coverage": 1,
        "trafficSplit": [
            {"variationId": i, "weight": w} for i, w in zip(ids, weights, strict=True)
        ],
        "targetingCondition": "",
        "savedGroupTargeting": [],
    }


def _stamp(day: date) -> str:
    return f"{datetime(day.year, day.month, day.day, tzinfo=UTC):%Y-%m-%dT%H:%M:%S}.000Z"
