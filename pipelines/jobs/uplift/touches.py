"""The comparisons that ads allow, which nobody randomised: earlier visitors whom a channel's ads
brought back in a week, beside those whom they didn't.

Everybody's outcome counts from an instant of that week: a touched person's first touch and, for the
others, one drawn from those of the touched. So neither arm has days in which it couldn't order
(immortal time; Zhou, Rahme, Abrahamowicz and Pilote 2005).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.jobs.uplift.comparisons import ORDERS, Comparison, Unusable
from pipelines.jobs.uplift.sample import Floats, Sample, halves_of
from pipelines.warehouse import Warehouse

OUTCOME, TOUCHED, UNTOUCHED = "purchase", "touched", "untouched"
WINDOW = timedelta(days=14)
"""In which an order counts, from the touch."""
BEFORE = timedelta(days=28)
"""In which somebody must have visited before the week: who they were is known from then."""
MAX_PEOPLE = 50_000
"""Of more visitors, so many are drawn: learners of the whole site's would take hours."""

_NAMES = {
    "last_device": "device",
    "last_country": "country",
    "last_channel": "last channel",
    "earlier_sessions": "earlier sessions",
    "earlier_orders": ORDERS,
    "earlier_ad_visits": "earlier ad visits",
    "days_away": "days since the last visit",
}
_COUNTS = ("earlier sessions", ORDERS, "earlier ad visits", "days since the last visit")


@dataclass(frozen=True)
class TouchWeek:
    """The last whole week whose orders have all had ``WINDOW`` to come.

    Args:
        end: when the data end, a Monday, 00:00 UTC.
    """

    end: datetime

    @property
    def ends(self) -> datetime:
        return self.end - WINDOW

    @property
    def starts(self) -> datetime:
        return self.ends - timedelta(days=7)

    def read(self, warehouse: Warehouse) -> dict[str, pa.Table]:
        """``visitors``, ``touches`` and ``orders``."""
        start = {"week_start": self.starts}
        params = {
            "visitors": start | {"since": self.starts - BEFORE},
            "touches": start | {"week_end": self.ends},
            "orders": start | {"end": self.end},
        }
        folder = Path(__file__).parent
        return {
            name: warehouse.query((folder / f"{name}.sql").read_text(), own)
            for name, own in params.items()
        }


def touch_comparisons(
    inputs: Mapping[str, pa.Table], week: TouchWeek, least: int
) -> Iterator[Comparison | Unusable]:
    """One a channel that touched anybody in the week.

    Args:
        inputs: ``visitors``, a row a person; ``touches``, a row a channel and person; ``orders``.
        least: people that each arm needs.
    """
    visitors, touches = inputs["visitors"].to_pandas(), inputs["touches"].to_pandas()
    orders = inputs["orders"].to_pandas()
    if len(visitors) > MAX_PEOPLE:
        drawn = _uniform(visitors["person_id"], "uplift-people-01") < MAX_PEOPLE / len(visitors)
        visitors = visitors[drawn]
    visitors = visitors.assign(days_away=(week.starts - visitors["last_visit_at"]).dt.days)
    for channel in sorted(set(touches["channel"])):
        name = f"ads: {channel}"
        first = touches[touches["channel"] == channel].set_index("person_id")["first_at"]
        people = _counted(visitors, first, orders)
        touched = people["first_at"].notna().to_numpy()
        smaller = min(int(touched.sum()), int((~touched).sum()))
        if smaller < least:
            yield Unusable(
                name,
                f"of the {len(people):,} people who had visited in the {BEFORE.days} days before "
                f"the week of {week.starts:%Y-%m-%d}, its ads brought {int(touched.sum()):,} back "
                f"and {int((~touched).sum()):,} not; {least} of each are needed",
            )
            continue
        ordered_before = np.asarray(people["earlier_orders"] > 0, dtype=np.float64)
        ids = tuple(people["person_id"].astype(str))
        yield Comparison(
            name,
            TOUCHED,
            UNTOUCHED,
            ids,
            Sample(_covariates(people), touched, people["ordered"].to_numpy(dtype=float)),
            halves_of(ids),
            (ORDERS, ordered_before) if 0 < ordered_before.mean() < 1 else None,
            mixed=0,
            outcome=OUTCOME,
            basis="propensity_weighted",
        )


def _counted(visitors: pd.DataFrame, first: pd.Series, orders: pd.DataFrame) -> pd.DataFrame:
    """The visitors with their first touch, if any, and whether they ``ordered`` within the window
    after it, or after the instant drawn for them; who ordered earlier in the week is left out."""
    people = visitors.assign(first_at=visitors["person_id"].map(first))
    times = np.sort(people["first_at"].dropna().to_numpy())
    if not len(times):
        return people.assign(ordered=False)
    drawn = times[(_uniform(people["person_id"], "uplift-instant-1") * len(times)).astype(int)]
    drawn_at = pd.Series(drawn, index=people.index).astype(people["first_at"].dtype)
    people = people.assign(counts_from=people["first_at"].fillna(drawn_at))
    of_people = orders.merge(people[["person_id", "counts_from"]], on="person_id")
    after = of_people["ordered_at"] - of_people["counts_from"]
    early = of_people["person_id"][after < timedelta(0)]
    in_time = of_people["person_id"][(after >= timedelta(0)) & (after < WINDOW)]
    people = people.assign(ordered=people["person_id"].isin(in_time))
    return people[~people["person_id"].isin(early)].reset_index(drop=True)


def _covariates(people: pd.DataFrame) -> pd.DataFrame:
    frame = people[list(_NAMES)].rename(columns=_NAMES)
    frame = frame.astype(dict.fromkeys(_COUNTS, float))
    return frame[[name for name in frame.columns if frame[name].nunique(dropna=False) > 1]]


def _uniform(people: pd.Series, key: str) -> Floats:
    """A number in [0, 1) of each person, always the same."""
    hashed = pd.util.hash_array(people.astype(str).to_numpy(dtype=object), hash_key=key)
    return np.asarray((hashed >> np.uint64(11)) / 2.0**53)
