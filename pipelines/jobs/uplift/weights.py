"""Which share of people an experiment's definition means for each variation."""

from __future__ import annotations

import pyarrow as pa


class Weights:
    """The weights of experiments that are defined (rows of marts.experiment_variations).

    Args:
        table: ``experiment_id``, ``variation_id`` and ``weight``, which is NULL where it isn't
            known.
    """

    def __init__(self, table: pa.Table) -> None:
        self._by_experiment: dict[str, dict[str, float | None]] = {}
        for row in table.to_pylist():
            own = self._by_experiment.setdefault(row["experiment_id"], {})
            own[row["variation_id"]] = row["weight"]

    def share(
        self, experiment: str, variation: str, control: str, otherwise: float | None
    ) -> float | None:
        """The share of a pair's people who were meant for the variation; None where the definition
        doesn't say.

        Args:
            otherwise: of an experiment that nobody defined.
        """
        own = self._by_experiment.get(experiment)
        if own is None:
            return otherwise
        treated, untreated = own.get(variation), own.get(control)
        return treated / (treated + untreated) if treated and untreated else None
