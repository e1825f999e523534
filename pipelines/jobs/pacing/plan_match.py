"""Which campaign a line of a media plan is about, and how sure that is.

The confidence of a line and a campaign of its platform is 50% metadata, 30% similarity of the names
and 20% freshness, each from 0 to 1:

- *metadata*: the mean of what the line states: whether the campaign's name or labels have all words
  of the market, and of the product; and on which share of the flight's days so far it ran;
- *name*: rapidfuzz's ratio of the names' words, sorted, without regard to case or separators;
- *freshness*: 1 while the line was confirmed and the account's last due day published within 12
  hours, from there on less, down to 0 after a week; 0 for a line that doesn't say when.

A campaign that one line has, another line of overlapping days doesn't get. A line that two
campaigns fit about as well is of neither for certain; nor is one of another name than the
campaign's, as every campaign of a market agrees with its metadata.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rapidfuzz import fuzz

from pipelines.jobs.pacing.evidence import Key

METADATA, NAME, FRESHNESS = 0.5, 0.3, 0.2
MIN_CONFIDENCE = 0.7
"""Below it nothing is proposed: a person decides."""
FRESH_HOURS, STALE_HOURS = 12.0, 168.0
MIN_NAME = 0.6
"""Names less similar are of different things, or of one that nobody can recognise by it."""
AMBIGUOUS = 0.05
"""Two campaigns whose confidences differ by less fit about as well."""


@dataclass(frozen=True)
class Line:
    """A line of a media plan; ``planned_micros`` are of its whole flight, ``updated_at`` is UTC."""

    owner: str
    plan_id: str
    line_id: str
    platform: str
    name: str
    market: str | None
    product: str | None
    start: date
    end: date
    planned_micros: int
    currency_code: str
    updated_at: datetime | None

    @property
    def key(self) -> Key:
        return self.owner, self.plan_id, self.line_id

    def overlaps(self, other: Line) -> bool:
        return self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Candidate:
    """A campaign that a line may be about.

    Args:
        first, last: its first day with delivery, and its last (as_of, while it runs).
        stale_hours: how long its account's last due day has been missing; 0 if it is published.
    """

    key: Key
    name: str
    labels: str
    first: date | None
    last: date | None
    stale_hours: float


@dataclass(frozen=True)
class Match:
    """The campaign that a line fits best, with the parts of the confidence.

    Args:
        doubt: why it isn't certain to be this one, whatever its confidence; None if nothing is.
    """

    campaign: Candidate
    metadata: float
    name_similarity: float
    freshness: float
    doubt: str | None = None

    @property
    def confidence(self) -> float:
        return METADATA * self.metadata + NAME * self.name_similarity + FRESHNESS * self.freshness


def match_lines(
    lines: Sequence[Line], campaigns: Sequence[Candidate], as_of: date, now: datetime
) -> Mapping[Key, Match | None]:
    """The best campaign of each line; None where there is none on its platform.

    Args:
        now: the instant by which freshness is told.
    """
    by_platform: defaultdict[str, list[Candidate]] = defaultdict(list)
    for campaign in campaigns:
        by_platform[campaign.key[0]].append(campaign)
    fits = {
        line.key: sorted(
            (compare(line, campaign, as_of, now) for campaign in by_platform[line.platform]),
            key=_best_first,
        )
        for line in lines
    }
    taken: defaultdict[Key, list[Line]] = defaultdict(list)
    matches: dict[Key, Match | None] = {}
    # the surest line chooses first
    for line in sorted(lines, key=lambda line: (*map(_best_first, fits[line.key][:1]), line.key)):
        free = [
            fit
            for fit in fits[line.key]
            if not any(line.overlaps(other) for other in taken[fit.campaign.key])
        ]
        if not free:
            nearest = next(iter(fits[line.key]), None)
            matches[line.key] = nearest and _doubted(nearest, "other lines have it on these days")
            continue
        best = free[0]
        if rival := _rival(best, free[1:]):
            best = _doubted(best, f"campaign '{rival.campaign.name}' fits it about as well")
        elif best.name_similarity < MIN_NAME:
            best = _doubted(best, "their names are unlike")
        matches[line.key] = best
        if best.confidence >= MIN_CONFIDENCE and best.doubt is None:
            taken[best.campaign.key].append(line)
    return matches


def compare(line: Line, campaign: Candidate, as_of: date, now: datetime) -> Match:
    """How well a campaign fits a line."""
    own = set(_words(f"{campaign.name} {campaign.labels}"))
    parts = [float(own.issuperset(_words(text))) for text in (line.market, line.product) if text]
    parts.append(_share_run(line, campaign, as_of))
    similarity = fuzz.token_sort_ratio(_spelt(line.name), _spelt(campaign.name)) / 100
    fresh = 0.0
    if line.updated_at is not None:
        age = max((now - line.updated_at).total_seconds() / 3600, campaign.stale_hours)
        fresh = min(max((STALE_HOURS - age) / (STALE_HOURS - FRESH_HOURS), 0.0), 1.0)
    return Match(campaign, sum(parts) / len(parts), similarity, fresh)


def repeated(lines: Sequence[Line]) -> Mapping[Key, Line]:
    """Lines that plan what another one does: of one platform, market, product and name, on
    overlapping days. Which of them counts, nothing says."""
    groups: defaultdict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in lines:
        said = (line.name, line.market or "", line.product or "")
        groups[line.platform, *map(_spelt, said)].append(line)
    return {
        line.key: other
        for group in groups.values()
        for line in group
        for other in group
        if other is not line and line.overlaps(other)
    }


def _rival(best: Match, others: Sequence[Match]) -> Match | None:
    """Another campaign that fits about as well; one of exactly the planned name has no rival of
    another name."""
    for other in others:
        if best.confidence - other.confidence >= AMBIGUOUS:
            return None
        if best.name_similarity < 1 or other.name_similarity == 1:
            return other
    return None


def _doubted(match: Match, doubt: str) -> Match:
    return replace(match, doubt=doubt)


def _best_first(match: Match) -> tuple[float, Key]:
    return -match.confidence, match.campaign.key


def _share_run(line: Line, campaign: Candidate, as_of: date) -> float:
    """On which share of the flight's days so far the campaign ran."""
    end = min(line.end, as_of)
    if campaign.first is None or campaign.last is None or end < line.start:
        return 0.0
    ran = (min(end, campaign.last) - max(line.start, campaign.first)).days + 1
    return max(ran, 0) / ((end - line.start).days + 1)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _spelt(text: str) -> str:
    return " ".join(_words(text))
