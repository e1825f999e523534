"""The comparisons that exposures allow: each variation of an experiment against its control."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.jobs.uplift.sample import Bools, Floats, Sample, halves_of

MAX_EXPERIMENTS = 20
"""The largest are analysed; the run says how many there were."""

ORDERS = "earlier orders"
_NAMES = {
    "device_category": "device",
    "country": "country",
    "default_channel_group": "channel",
    "visitor": "visitor",
    "earlier_sessions": "earlier sessions",
    "earlier_orders": ORDERS,
}
"""Covariates known before the exposure, as segments name them."""

Basis = Literal["randomised", "propensity_weighted"]


@dataclass(frozen=True)
class Comparison:
    """One variation beside the control.

    Args:
        mixed: people of the experiment who saw several variations: left out.
        placebo: whether each person had ordered before, which the variation can't have changed,
            and the covariate that says so.
        outcome: the event that counts.
        basis: how people came into the arms, or what stands for it.
    """

    experiment: str
    variation: str
    control: str
    people: tuple[str, ...]
    sample: Sample
    halves: Bools
    placebo: tuple[str, Floats] | None
    mixed: int
    outcome: str
    basis: Basis = "randomised"


@dataclass(frozen=True)
class Unusable:
    """An experiment or a variation that nothing can be said of, and why."""

    experiment: str
    reason: str


def comparisons(
    table: pd.DataFrame, control: str, outcome: str, least: int
) -> Iterator[Comparison | Unusable]:
    """Those of every experiment, in order of their names.

    Args:
        table: of :func:`ripe`.
        control: the variation that changes nothing.
        outcome: the event that ``table`` was made for.
        least: people that each arm needs.
    """
    sizes = table.groupby("experiment_id").size()
    ranked = sorted(sizes.index, key=lambda name: (-sizes[name], name))
    for experiment in sorted(ranked[:MAX_EXPERIMENTS]):
        rows = table[table["experiment_id"] == experiment]
        single = rows[rows["variation_id"].notna()].reset_index(drop=True)
        mixed = len(rows) - len(single)
        seen = single["variation_id"].astype(str)
        variations = sorted(set(seen) - {control})
        if control not in set(seen):
            shown = ", ".join(variations[:5]) or "none"
            yield Unusable(
                experiment,
                f"nobody saw its variation {control}, the control (seen: {shown}); name the "
                "control in jobs.uplift.control",
            )
            continue
        if not variations:
            yield Unusable(experiment, f"nobody saw another variation than {control}")
        for variation in variations:
            own = single[seen.isin([control, variation])].reset_index(drop=True)
            treated = np.asarray(own["variation_id"].astype(str) == variation)
            arm = min(int(treated.sum()), int((~treated).sum()))
            if arm < least:
                yield Unusable(
                    experiment,
                    f"the smaller arm of {variation} against {control} has {arm} people, and "
                    f"{least} are needed",
                )
                continue
            placebo = (own["earlier_orders"] > 0).to_numpy(dtype=float)
            yield Comparison(
                experiment,
                variation,
                control,
                tuple(own["person_id"].astype(str)),
                Sample(covariates(own), treated, own["converted"].to_numpy(dtype=float)),
                halves_of(own["person_id"].astype(str).tolist()),
                (ORDERS, placebo) if 0 < placebo.mean() < 1 else None,
                mixed,
                outcome,
            )


def ripe(
    exposures: pa.Table, outcomes: pa.Table, outcome: str, window: timedelta, end: datetime
) -> pd.DataFrame:
    """The people whose window after the exposure is over by ``end``, and whether each ``converted``
    within it: whoever was exposed yesterday hasn't failed yet."""
    table = exposures.to_pandas()
    table = table[table["exposed_at"] <= end - window].reset_index(drop=True)
    of_kind = outcomes.filter(pc.equal(outcomes["event_name"], outcome)).to_pandas()
    both = table.merge(of_kind, on=["experiment_id", "person_id"], how="left", validate="1:1")
    in_time = both["first_at"] <= both["exposed_at"] + window
    return table.assign(converted=in_time.fillna(False).to_numpy(dtype=bool))


def covariates(rows: pd.DataFrame) -> pd.DataFrame:
    """What was known of each person before, with names and levels that people read; those that
    are the same for everybody are left out."""
    visitor = np.where(rows["is_returning"].astype(bool), "returning", "new")
    frame = rows.assign(visitor=visitor)[list(_NAMES)].rename(columns=_NAMES)
    for name in ("earlier sessions", ORDERS):
        frame[name] = frame[name].astype(float)
    return frame[[name for name in frame.columns if frame[name].nunique(dropna=False) > 1]]
