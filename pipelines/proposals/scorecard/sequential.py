"""Whether the coverage of a job's intervals has left its band: a test that holds at every look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, log

NOMINAL = 0.90
LOW, HIGH = 0.85, 0.95
"""The band that the coverage of 90% intervals is held to."""
ALPHA = 0.05
"""Of all that would ever be barred with a coverage within the band, at most this share is."""
BACK_AFTER = 20
"""Outcomes after a bar from which on the job may be back."""


@dataclass(frozen=True)
class Tally:
    """Outcomes, and how many of them lay within their intervals: of some that came together, which
    aren't independent, the mean counts as one outcome."""

    covered: float = 0.0
    count: int = 0

    def plus(self, covered: float) -> Tally:
        return Tally(self.covered + covered, self.count + 1)

    @property
    def missed(self) -> float:
        return self.count - self.covered

    @property
    def coverage(self) -> float:
        return self.covered / self.count if self.count else NOMINAL

    def has_left(self, alpha: float = ALPHA) -> bool:
        """Whether the coverage is outside the band, at an error rate over all looks together."""
        return max(self._below(), self._above()) >= log(2 / alpha)

    def _below(self) -> float:
        return _log_evidence(self.covered, self.missed, LOW)

    def _above(self) -> float:
        return _log_evidence(self.missed, self.covered, 1 - HIGH)


def _log_evidence(successes: float, failures: float, bound: float) -> float:
    """Log of the evidence that successes come more rarely than the bound.

    Likelihood ratio of a rate drawn uniformly from below the bound, over the bound itself (Robbins'
    mixture, 1970). While successes come at least as often as the bound, whatever came before, its
    expected growth is at most 1 at every step; so it ever reaches 1/a with probability at most a
    (Ville's inequality; Waudby-Smith and Ramdas 2024), however often one looks. The ratio is convex
    in a success, so that this holds for a part of one, too.
    """
    # half a second of a command that reads a ledger in which nothing was scored yet
    from scipy.special import betainc, betaln

    a, b = 1 + successes, 1 + failures
    within = float(betainc(a, b, bound))
    if within == 0:
        return -inf
    mixed = float(betaln(a, b)) + log(within) - log(bound)
    return mixed - successes * log(bound) - failures * log(1 - bound)


@dataclass
class Standing:
    """A job's standing as outcomes come in: within the band, or barred until it is back.

    After a bar the tally begins anew. The job is back when at least BACK_AFTER outcomes since then
    have a coverage within the band and don't show that it is outside.
    """

    alpha: float = ALPHA
    tally: Tally = field(default_factory=Tally)
    barred_by: Tally | None = None

    @property
    def is_barred(self) -> bool:
        return self.barred_by is not None

    def add(self, covered: float) -> None:
        self.tally = self.tally.plus(covered)
        if self.tally.has_left(self.alpha):
            self.barred_by, self.tally = self.tally, Tally()
        elif (
            self.is_barred and self.tally.count >= BACK_AFTER and LOW <= self.tally.coverage <= HIGH
        ):
            self.tally, self.barred_by = Tally(), None

    @classmethod
    def of(cls, outcomes: Iterable[float], alpha: float = ALPHA) -> Standing:
        standing = cls(alpha)
        for covered in outcomes:
            standing.add(covered)
        return standing
