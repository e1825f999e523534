"""The creatives job: features of what ads show, what goes with return, and which ads wear out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.job_settings import CreativeSettings
from pipelines.jobs.base import Outcome, Progress, Row, significant
from pipelines.jobs.creatives.assets import Measured, measure, near_duplicates
from pipelines.jobs.creatives.recommend import Tested, detectable_ratio, recommend
from pipelines.jobs.creatives.returns import Returns, returns_of
from pipelines.jobs.creatives.text_features import catalogue
from pipelines.jobs.creatives.traits import Trait, traits_of
from pipelines.jobs.creatives.wear import fatigue_rows
from pipelines.warehouse import Warehouse

FEATURES = "contracts.creative_features"
RECOMMENDATIONS = "contracts.creative_recommendations"
FATIGUE = "contracts.creative_fatigue"
_HISTORY_DAYS = 728
_Figures = dict[str, float | int | str | None]


class CreativesJob:
    """Recommendations and fatigue (see :class:`pipelines.jobs.base.Job`)."""

    name = "creatives"
    model_version = "permutation-gibbs-1"
    tables = (FEATURES, RECOMMENDATIONS, FATIGUE)
    plots = ()

    def settings(self, settings: Settings) -> CreativeSettings:
        own = settings.jobs.creatives
        return own.model_copy(update={"images": settings.sources.images})

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        folder = Path(__file__).parent
        window = {"as_of": as_of, "first": as_of - timedelta(days=_HISTORY_DAYS - 1)}
        return {
            "weeks": warehouse.query((folder / "weeks.sql").read_text(), window),
            "creatives": warehouse.query((folder / "creatives.sql").read_text()),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: CreativeSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        weeks = inputs["weeks"].to_pylist()
        if not weeks:
            return Outcome(
                "NO_DATA", f"No ad delivered anything in {_HISTORY_DAYS} days to {as_of}."
            )
        creatives = inputs["creatives"].to_pylist()
        names = {_ad(c): c["ad_name"] for c in creatives}
        worn_out = list(fatigue_rows(weeks, names, settings.worn))
        ran = {_ad(w) for w in weeks}
        shown = [c for c in creatives if _ad(c) in ran]
        progress(f"creatives: measuring the texts and images of {len(shown)} ads")
        measured = measure(shown, settings)
        rows: dict[str, Sequence[Row]] = {
            FATIGUE: worn_out,
            FEATURES: list(_feature_rows(shown, measured)),
        }
        figures: _Figures = {
            "ads": len(shown),
            "images": sum(r["asset_kind"] == "image" for r in rows[FEATURES]),
            "unreadable_images": sum(r["problem"] is not None for r in rows[FEATURES]),
            **{v.lower(): _count(worn_out, v) for v in ("FATIGUED", "WEARING", "FRESH", "UNKNOWN")},
        }
        fatigue = _fatigue_summary(worn_out)
        ads = {_ad(c) for c in shown}
        last, minimum = settings.weeks, settings.min_orders
        recent = [w for w in weeks if w["week"] < last and _ad(w) in ads]
        returns = returns_of(pd.DataFrame(recent, columns=inputs["weeks"].column_names), minimum)
        figures["compared_ads"] = len(returns)
        if len(returns) < settings.min_ads:
            why = (
                f"What ads show can't be compared: {len(returns)} ads should have brought "
                f"{minimum:g} orders in {last} weeks, beside others of their "
                f"campaign; {settings.min_ads} are needed. {fatigue}"
            )
            # what wears out needs no order book
            return Outcome("PASS" if worn_out else "INCONCLUSIVE", why, figures, rows)
        traits = _traits(returns, shown, measured)
        progress(f"creatives: comparing {len(traits)} traits of {len(returns)} ads")
        tested = recommend(returns, {name: trait.has for name, trait in traits.items()})
        rows[RECOMMENDATIONS] = [_recommendation(t, traits[t.trait]) for t in tested]
        figures |= {
            "traits": len(tested),
            "try": sum(t.verdict == "TRY" for t in tested),
            "avoid": sum(t.verdict == "AVOID" for t in tested),
            "detectable_ratio": significant(detectable_ratio(returns, len(tested))),
        }
        return Outcome("PASS", f"{_summary(tested, returns)} {fatigue}", figures, rows)


def _ad(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["platform"], row["account_id"], row["ad_id"]


def _count(rows: Sequence[Row], verdict: str) -> int:
    return sum(row["verdict"] == verdict for row in rows)


def _traits(
    returns: Returns,
    shown: Sequence[Mapping[str, Any]],
    measured: Sequence[tuple[Measured, Measured | None]],
) -> dict[str, Trait]:
    features = {
        _ad(row): {**text.features, **(image.features if image else {})}
        for row, (text, image) in zip(shown, measured, strict=True)
    }
    return traits_of([features[ad] for ad in returns.ads])


def _feature_rows(
    shown: Sequence[Mapping[str, Any]], measured: Sequence[tuple[Measured, Measured | None]]
) -> Iterator[Row]:
    ads: dict[tuple[str, str], list[str]] = {}
    assets: dict[tuple[str, str], Measured] = {}
    for row, both in zip(shown, measured, strict=True):
        for asset in both:
            if asset is not None:
                ads.setdefault((asset.kind, asset.asset_id), []).append(row["ad_id"])
                assets[asset.kind, asset.asset_id] = asset
    hashes = {a.asset_id: a.perceptual_hash for a in assets.values() if a.perceptual_hash}
    alike = near_duplicates(hashes)
    for key, asset in sorted(assets.items()):
        yield {
            "asset_kind": asset.kind,
            "asset_id": asset.asset_id,
            "ads": len(ads[key]),
            "first_ad_id": min(ads[key]),
            "perceptual_hash": asset.perceptual_hash,
            "near_duplicate_of": alike.get(asset.asset_id),
            "features": canonical_json(asset.features),
            "problem": asset.problem,
        }


def _recommendation(tested: Tested, trait: Trait) -> Row:
    return {
        "trait": tested.trait,
        "feature": trait.feature,
        "meaning": _meaning(trait),
        "verdict": tested.verdict,
        "ads_with": tested.ads_with,
        "ads": tested.ads,
        **{
            name: significant(value)
            for name, value in (
                ("prevalence", tested.prevalence),
                ("return_ratio", tested.ratio),
                ("return_ratio_low", tested.low),
                ("return_ratio_high", tested.high),
                ("lift", tested.lift),
                ("p_value", tested.p_value),
                ("q_value", tested.q_value),
            )
        },
        "together_with": "\n".join(tested.together_with),
        "example_ad_ids": "\n".join(tested.examples),
        "advice": None if tested.verdict == "NONE" else _advice(tested, trait),
    }


def _meaning(trait: Trait) -> str:
    """The trait in words."""
    what = catalogue()[trait.feature]
    return f"{what[0].lower()}{what[1:]}{trait.says.removeprefix(trait.feature)}"


def _advice(tested: Tested, trait: Trait) -> str:
    """In words that a person or a prompt can use as they stand."""
    do = "Try" if tested.verdict == "TRY" else "Avoid"
    also = f" They can't be told from: {', '.join(tested.together_with)}." * bool(
        tested.together_with
    )
    return (
        f"{do}: {_meaning(trait)}. {tested.ads_with} of {tested.ads} ads have it, "
        f"and bring {tested.ratio:.2f} times (95%: {tested.low:.2f} to {tested.high:.2f}) the "
        f"order value for their money, compared within campaigns, weeks and age; it is "
        f"{tested.lift:.1f} times as common among the best quarter as among the worst. Ads: "
        f"{', '.join(tested.examples)}.{also}"
    )


def _summary(tested: Sequence[Tested], returns: Returns) -> str:
    good = [t for t in tested if t.verdict != "NONE"]
    if not good:
        return (
            f"Nothing that {len(returns)} ads show goes surely with a better or worse return: "
            f"{len(tested)} traits were tested."
        )
    first = good[0]
    return (
        f"{len(good)} of {len(tested)} traits of {len(returns)} ads go with return. The surest: "
        f"{first.verdict} {first.trait}, {first.ratio:.2f} times the order value for the money "
        f"(95%: {first.low:.2f} to {first.high:.2f})."
    )


def _fatigue_summary(rows: Sequence[Row]) -> str:
    if not rows:
        return "No ad ran beside another of its campaign in the last week."
    worn = sorted(
        (r for r in rows if r["verdict"] == "FATIGUED"), key=lambda r: -r["daily_cost_micros"]
    )
    if not worn:
        return f"None of {len(rows)} ads is surely worn out."
    return f"{len(worn)} of {len(rows)} ads are worn out: {worn[0]['reason']}"
