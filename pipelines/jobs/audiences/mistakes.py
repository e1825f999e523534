"""Mistakes that settings show, each a function from an account's ad sets to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import networkx as nx

from pipelines.job_settings import AudienceSettings
from pipelines.jobs.audiences.ad_set import AdSet, Known
from pipelines.money import Money, total

Severity = Literal["HIGH", "MEDIUM", "LOW"]
SEVERITIES: tuple[Severity, ...] = ("HIGH", "MEDIUM", "LOW")
Evidence = Mapping[str, str | float | int | Sequence[str] | None]

WEEKLY_TO_LEARN = {"meta_ads": 50.0}
"""Conversions a week with which an ad set leaves learning: about 50, as several guides of 2026 have
it; Meta's own page wasn't at hand."""


@dataclass(frozen=True)
class Mistake:
    """One finding. ``spend`` is what its ad sets spent in 28 days."""

    name: str
    severity: Severity
    ad_sets: tuple[AdSet, ...]
    reason: str
    fix: str
    evidence: Evidence

    @property
    def spend(self) -> Money:
        currency = self.ad_sets[0].spend.currency
        return total([a.spend for a in self.ad_sets], currency)


def overlap(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """Ad sets of one account that may show to the same people, and so bid in the same auctions: a
    common country, and a common audience or one that is open to everybody, which doesn't keep the
    other's audience out. Those of which each overlaps each other are one finding."""
    del known, settings
    pairs = [pair for pair in combinations(range(len(ad_sets)), 2) if _overlap(ad_sets, *pair)]
    for group in sorted(sorted(clique) for clique in nx.find_cliques(nx.Graph(pairs))):
        own = tuple(ad_sets[i] for i in group)
        shared = sorted(
            frozenset().union(*(a.countries & b.countries for a, b in combinations(own, 2)))
        )
        yield Mistake(
            "overlap",
            "MEDIUM",
            own,
            f"{_list(own)} may show to the same people in {', '.join(shared) or 'all countries'}: "
            "they bid against each other, and each learns from a part of the conversions.",
            "Make one ad set of them, or keep each one's audience out of the others.",
            {"countries": shared, "audiences": sorted(set().union(*(a.audiences for a in own)))},
        )


def _overlap(ad_sets: Sequence[AdSet], first: int, second: int) -> bool:
    left, right = ad_sets[first], ad_sets[second]
    if left.countries and right.countries and not left.countries & right.countries:
        return False
    if left.audiences and right.audiences:
        return bool(left.audiences & right.audiences)
    # who is open to everybody has the other's audience in it, unless that is kept out
    broad, narrow = (right, left) if left.audiences else (left, right)
    return not narrow.audiences or not narrow.audiences <= broad.excluded


def exclusion_missing(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """An ad set that doesn't keep customers out where the account's others do.

    Which audiences are customers, the settings say; without that, one that most ad sets keep out.
    """
    del known
    customers = set(settings.customer_audiences)
    by = "jobs.audiences.customer_audiences"
    if not customers:
        counts = Counter(i for ad_set in ad_sets for i in ad_set.excluded)
        customers = {i for i, n in counts.items() if n >= settings.usual_share * len(ad_sets)}
        by = "what most ad sets keep out"
    for ad_set in ad_sets:
        missing = sorted(customers - ad_set.excluded - ad_set.audiences)
        if missing and len(ad_sets) >= settings.min_ad_sets:
            yield Mistake(
                "exclusion_missing",
                "HIGH",
                (ad_set,),
                f"{ad_set.label} doesn't keep out {', '.join(missing)}, which is kept out of the "
                "account's other ad sets: it pays for people who have bought.",
                "Exclude the audience there, or say that they are meant.",
                {"audiences": missing, "known_by": by},
            )


def too_many_learning(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """A large part of the account's money is spent while the platform learns."""
    del known
    learning = tuple(a for a in ad_sets if a.learning_phase in {"LEARNING", "LIMITED"})
    if not learning:
        return
    whole = total([a.spend for a in ad_sets], ad_sets[0].spend.currency)
    share = total([a.spend for a in learning], whole.currency) / whole
    if share > settings.max_learning_share:
        yield Mistake(
            "too_many_learning",
            "MEDIUM",
            learning,
            f"{share:.0%} of the account's spend of 28 days is of ad sets that are learning "
            f"({_list(learning)}), more than {settings.max_learning_share:.0%}.",
            "Change fewer ad sets at a time, and let those learn that do.",
            {"share": round(share, 4), "bound": settings.max_learning_share},
        )


def too_small_to_learn(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """Several ad sets of a campaign that share what would teach one of them."""
    del known
    by_campaign: dict[str, list[AdSet]] = {}
    for ad_set in ad_sets:
        by_campaign.setdefault(ad_set.campaign_id, []).append(ad_set)
    for campaign, own in by_campaign.items():
        needed = WEEKLY_TO_LEARN.get(own[0].platform)
        if needed is None or len(own) < 2:
            continue
        weekly = [a.conversions_28d / 4 for a in own]
        if max(weekly) < settings.too_small * needed:
            yield Mistake(
                "too_small_to_learn",
                "LOW",
                tuple(own),
                f"The {len(own)} ad sets of campaign {campaign} bring {sum(weekly):.0f} "
                f"conversions a week, the best of them {max(weekly):.0f}; the platform learns from "
                f"{needed:.0f}.",
                "Make fewer ad sets of them, or optimise for an event that comes more often.",
                {"weekly": round(sum(weekly), 1), "best": round(max(weekly), 1), "needed": needed},
            )


def window_shorter_than_lag(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """An ad set whose people leave its audiences before many of them would have bought."""
    for ad_set in ad_sets:
        audiences = [known.audiences.get(i) for i in sorted(ad_set.audiences)]
        windows = [a.window for a in audiences if a is not None and a.window is not None]
        if not windows or len(windows) < len(audiences):
            continue
        window, later = max(windows), known.later_than(max(windows))
        if later is not None and later > settings.max_later_share:
            yield Mistake(
                "window_shorter_than_lag",
                "MEDIUM",
                (ad_set,),
                f"{ad_set.label} is shown to people for {window} days after they came into its "
                f"audience; {later:.0%} of conversions come later than that after a first paid "
                f"visit, more than {settings.max_later_share:.0%}.",
                "Keep people in the audience for longer.",
                {
                    "days": window,
                    "later": round(later, 4),
                    "bound": settings.max_later_share,
                },
            )


def audience_too_small(
    ad_sets: Sequence[AdSet], known: Known, settings: AudienceSettings
) -> Iterator[Mistake]:
    """An ad set whose audiences have too few people for the platform to choose among."""
    for ad_set in ad_sets:
        people = [known.audiences[i].people for i in ad_set.audiences if i in known.audiences]
        counted = [n for n in people if n is not None]
        if not counted or len(counted) < len(ad_set.audiences):
            continue
        if sum(counted) < settings.min_people:
            yield Mistake(
                "audience_too_small",
                "MEDIUM",
                (ad_set,),
                f"{ad_set.label} has at most {sum(counted):,} people, fewer than "
                f"{settings.min_people:,}: they see the same ads again and again.",
                "Widen the audience, or make one ad set of several small ones.",
                {"people": sum(counted), "bound": settings.min_people},
            )


Check = Callable[[Sequence[AdSet], Known, AudienceSettings], Iterator[Mistake]]
CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        exclusion_missing,
        overlap,
        too_many_learning,
        too_small_to_learn,
        window_shorter_than_lag,
        audience_too_small,
    )
}


def _list(ad_sets: Sequence[AdSet]) -> str:
    return ", ".join(a.label for a in ad_sets)
