"""The mixed integer program of an allocation: piecewise linear curves, solved by HiGHS.

Multiple-choice formulation: a binary picks a segment of each channel's curve, a number between 0
and it says how far along. (Croxton, Gendron and Magnanti 2003: as tight as any such formulation.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from pipelines.jobs.allocation.problem import Floats, Ints, Limit
from pipelines.jobs.allocation.relaxation import Relaxation, guarded, unsolved

_GAP = 1e-6
# presolve is off: it saves no time here, and with it HiGHS 1.12 more often writes to stdout
# (findings/scipy_milp_writes_to_standard_output.sh)


class Program:
    """Segments of all channels in one row, over a relaxation's rows and cuts."""

    def __init__(self, relaxation: Relaxation) -> None:
        self.relaxation = relaxation
        pieces = relaxation.pieces
        starts, ends = [], []
        for a, b in zip(pieces.first, pieces.last, strict=True):
            starts += list(range(a, max(b, a + 1)))
            ends += list(range(min(a + 1, b), b + 1))
        self.starts: Ints = np.array(starts)
        self.ends: Ints = np.array(ends)
        self.size = len(starts)
        owner = pieces.owner[self.starts]
        self.one_segment = np.zeros((len(pieces.first), 2 * self.size))
        self.one_segment[owner, np.arange(self.size)] = 1
        self.along_chosen = np.hstack([-np.eye(self.size), np.eye(self.size)])

    def solve(self, margin: float) -> Floats | None:
        """Spend of each channel, [channel], in the best split; None if there is none.

        Targets are held with a margin, a share of their largest coefficient, for what rounding
        takes.
        """
        relaxation = self.relaxation
        targets = self._columns(relaxation.target_rows())
        limits = self._columns(relaxation.limits)
        worth = self._columns(np.array(relaxation.rows[0]))
        # the last column is the objective: at most each cut
        constraints = [LinearConstraint(guarded(_wide(-worth, 1)), -np.inf, 0)]
        if len(limits):
            rows = guarded(_wide(limits, 0))
            constraints.append(LinearConstraint(rows, -np.inf, relaxation.limit_bounds))
        if len(targets):
            constraints.append(LinearConstraint(guarded(_wide(targets, 0)), -np.inf, -margin))
        x = self._optimum(constraints)
        return None if x is None else self._spend(x)

    def ease(
        self, soft: Sequence[int], limit: Limit | None, most: float, margin: float
    ) -> tuple[Floats, float] | None:
        """Spend of each channel with the most slack of what is soft; None if nothing holds the
        rest.

        Args:
            soft: positions of soft targets.
            limit: a soft limit, which the relaxation doesn't know.
            most: the slack that suffices, a share of a row's largest coefficient.
        """
        relaxation, pieces = self.relaxation, self.relaxation.pieces
        rows, gives, bounds = (
            [*relaxation.limits],
            [0.0] * len(relaxation.limits),
            [*relaxation.limit_bounds],
        )
        for part, cuts in enumerate(relaxation.rows[1:]):
            for row in cuts:
                rows.append(row)
                gives.append(1.0 if part in soft else 0.0)
                bounds.append(0.0 if part in soft else -margin)
        if limit is not None:
            sign = 1.0 if limit.sense == "<=" else -1.0
            spend = sign * pieces.members(limit.channels) * pieces.spend / pieces.money
            rows.append(spend)
            gives.append(1.0)
            bounds.append(sign * limit.bound / pieces.money)
        matrix = np.hstack([self._columns(np.array(rows)), np.array(gives)[:, None]])
        x = self._optimum([LinearConstraint(guarded(matrix), -np.inf, np.array(bounds))], most)
        return None if x is None else (self._spend(x), float(x[-1]))

    def _optimum(self, constraints: list[LinearConstraint], most: float = np.inf) -> Floats | None:
        """One segment of each channel and how far along it; the last column is the most it can be,
        under ``most``. None if nothing holds the constraints."""
        result = milp(
            np.concatenate([np.zeros(2 * self.size), [-1.0]]),
            integrality=np.concatenate([np.ones(self.size), np.zeros(self.size + 1)]),
            bounds=Bounds(
                np.concatenate([np.zeros(2 * self.size), [-np.inf]]),
                np.concatenate([np.ones(2 * self.size), [most]]),
            ),
            constraints=[
                LinearConstraint(_wide(self.one_segment, 0), 1, 1),
                LinearConstraint(_wide(self.along_chosen, 0), -np.inf, 0),
                *constraints,
            ],
            options={"mip_rel_gap": _GAP, "presolve": False},
        )
        if result.status == 2:
            return None
        if result.status != 0:
            raise unsolved("mixed integer program", result.message)
        x: Floats = result.x
        return x

    def _spend(self, x: Floats) -> Floats:
        pieces = self.relaxation.pieces
        chosen = np.rint(x[: self.size])
        along = np.clip(x[self.size : -1], 0, 1) * chosen
        starts, ends = pieces.spend[self.starts], pieces.spend[self.ends]
        return np.bincount(
            pieces.owner[self.starts],
            weights=chosen * starts + along * (ends - starts),
            minlength=len(pieces.first),
        ).astype(np.float64)

    def _columns(self, rows: Floats) -> Floats:
        """From points to segments: the value where each starts, and its rise."""
        start = rows[:, self.starts]
        return np.hstack([start, rows[:, self.ends] - start])


def _wide(rows: Floats, last: float) -> Floats:
    return np.hstack([rows, np.full((len(rows), 1), last)])
