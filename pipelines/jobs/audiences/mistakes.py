"""Mistakes that settings show, each a function from an account's ad sets to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from pipelines.job_settings import AudienceSettings
from pipelines.jobs.audiences.ad_set import AdSet
from pipelines.money import Money, total

Severity = Literal["HIGH", "MEDIUM", "LOW"]
SEVERITIES: tuple[Severity, ...] = ("HIGH", "MEDIUM", "LOW")
Evidence = Mapping[str, str | float | int | Sequence[str] | None]

WEEKLY_TO_LEARN = {"meta_ads": 50.0}
"""Conversions a week with which an ad set leaves learning, as Meta's help on the learning phase has
it (from memory: the page wasn't at hand)."""
_OLDEST = 65  # Meta's highest bound, which means 65 and above


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


def overlap(ad_sets: Sequence[AdSet], settings: AudienceSettings) -> Iterator[Mistake]:
    """Ad sets of one account that may show to the same people, and so bid in the same auctions:
    a common country, a common audience or none on either side, and neither keeps the other's
    audience out. They are told together, as one group."""
    del settings
    groups: list[set[int]] = []
    for left, right in combinations(range(len(ad_sets)), 2):
        if not _overlap(ad_sets[left], ad_sets[right]):
            continue
        touched = [g for g in groups if g & {left, right}]
        groups = [g for g in groups if g not in touched]
        groups.append(set().union({left, right}, *touched))
    for group in sorted(groups, key=min):
        own = tuple(ad_sets[i] for i in sorted(group))
        shared = sorted(frozenset.intersection(*(a.countries for a in own)))
        yield Mistake(
            "overlap",
            "MEDIUM",
            own,
            f"{_list(own)} may show to the same people in {', '.join(shared) or 'their countries'}"
            ": they bid against each other, and each learns from a part of the conversions.",
            "Make one ad set of them, or keep each one's audience out of the others.",
            {"countries": shared, "audiences": sorted(set().union(*(a.audiences for a in own)))},
        )


def _overlap(left: AdSet, right: AdSet) -> bool:
    if left.countries and right.countries and not left.countries & right.countries:
        return False
    if left.audiences and right.audiences:
        return bool(left.audiences & right.audiences)
    if left.audiences or right.audiences:
        # one is broad: the other's audience is in it, unless it is kept out
        broad, narrow = (right, left) if left.audiences else (left, right)
        return not narrow.audiences <= broad.excluded and narrow.is_expanded is True
    return True


def exclusion_missing(ad_sets: Sequence[AdSet], settings: AudienceSettings) -> Iterator[Mistake]:
    """An ad set that doesn't keep customers out where the account's others do.

    Which audiences are customers, the settings say; without that, one that most ad sets keep out.
    """
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


def too_many_learning(ad_sets: Sequence[AdSet], settings: AudienceSettings) -> Iterator[Mistake]:
    """A large part of the account's money is spent while the platform learns."""
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


def too_small_to_learn(ad_sets: Sequence[AdSet], settings: AudienceSettings) -> Iterator[Mistake]:
    """Several ad sets of a campaign that share what would teach one of them."""
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


def constrained_expansion(
    ad_sets: Sequence[AdSet], settings: AudienceSettings
) -> Iterator[Mistake]:
    """A narrow age where Meta may go beyond the audience: it takes the bound for a hint (from
    memory of Meta's help on Advantage+ audience)."""
    del settings
    for ad_set in ad_sets:
        youngest, oldest = ad_set.ages
        narrow = (youngest or 18) > 25 or (oldest or _OLDEST) < _OLDEST
        if ad_set.is_expanded and ad_set.platform == "meta_ads" and narrow:
            yield Mistake(
                "constrained_expansion",
                "LOW",
                (ad_set,),
                f"{ad_set.label} is set to ages {youngest} to {oldest}, but its audience may be "
                "expanded (Advantage+), which takes a highest age, and a lowest above 25, for a "
                "suggestion.",
                "Switch the expansion off if the ages are a must; otherwise leave them open.",
                {"age_min": youngest, "age_max": oldest},
            )


Check = Callable[[Sequence[AdSet], AudienceSettings], Iterator[Mistake]]
CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        exclusion_missing,
        overlap,
        too_many_learning,
        too_small_to_learn,
        constrained_expansion,
    )
}


def _list(ad_sets: Sequence[AdSet]) -> str:
    return ", ".join(a.label for a in ad_sets)
