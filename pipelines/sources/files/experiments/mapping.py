"""The schema of a mapping of experiments: which column of the list means what."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pipelines.sources.files.layout import Section
from pipelines.sources.files.list_mapping import Choice, ListMapping, named
from pipelines.sources.files.mapping import ABSENT, Text

KINDS = ("geo_test", "conversion_lift", "holdout", "switchback", "other")
OUTCOMES = ("orders", "new_customers", "revenue")
STATUSES = ("PLANNED", "RUNNING", "DONE", "VOID")
MEASURERS = ("platform", "own", "third_party")

Kind = Annotated[Choice, AfterValidator(lambda choice: choice.require(KINDS))]
Outcome = Annotated[Choice, AfterValidator(lambda choice: choice.require(OUTCOMES))]
Status = Annotated[Choice, AfterValidator(lambda choice: choice.require(STATUSES))]
Measurer = Annotated[Choice, AfterValidator(lambda choice: choice.require(MEASURERS))]


class Columns(Section):
    """What is read of an experiment, by the file's columns.

    Args:
        spend_test: what was spent, from ``start_date`` to ``end_date``, on those who were tested.
        spend_baseline: what would have been spent on them without the test.
        spend_delta: the difference, signed, where the list has it alone.
        effect: incremental outcome of that difference, signed.
        standard_error: of the effect; or ``effect_low`` and ``effect_high``, its interval.
        interval_level: the interval's level, 0.9 or 90, where it differs by row.
        population_share: of all possible customers, how many were tested, up to 1.
        geos: those tested, with semicolons (or bars) between.
    """

    experiment_id: str
    name: str = ABSENT
    start_date: str
    end_date: str
    post_end_date: str = ABSENT
    spend_test: str = ABSENT
    spend_baseline: str = ABSENT
    spend_delta: str = ABSENT
    effect: str
    standard_error: str = ABSENT
    effect_low: str = ABSENT
    effect_high: str = ABSENT
    interval_level: str = ABSENT
    population_share: str = ABSENT
    geos: str = ABSENT

    @model_validator(mode="after")
    def _spend_and_error(self) -> Self:
        lacks_one = ABSENT in (self.spend_test, self.spend_baseline)
        if lacks_one and self.spend_delta == ABSENT:
            raise ValueError("give spend_test and spend_baseline, or spend_delta")
        ends = (self.effect_low != ABSENT) + (self.effect_high != ABSENT)
        if ends == 1 or (not ends and self.standard_error == ABSENT):
            raise ValueError("give standard_error, or effect_low and effect_high")
        return self


class ExperimentsMapping(ListMapping):
    """What a list of experiments holds, a row an experiment.

    Args:
        channel: the channel of the media mix whose spend was changed: an ad platform, or a
            segment of one (``google_ads:brand``).
        interval_level: the level of intervals, where all have one.
    """

    table: Literal["experiments"]
    platform: Literal["experiments"]
    currency: Text
    channel: Text
    kind: Kind
    outcome: Outcome
    status: Status = Choice(constant="DONE")
    measured_by: Measurer
    interval_level: float | None = Field(None, gt=0, lt=100)
    columns: Columns

    @model_validator(mode="after")
    def _currency_and_level(self) -> Self:
        if self.currency.constant and not re.fullmatch("[A-Z]{3}", self.currency.constant):
            raise ValueError(f"'{self.currency.constant}' is no currency such as EUR")
        levels = (self.interval_level is not None) + (self.columns.interval_level != ABSENT)
        if levels != (self.columns.effect_low != ABSENT):
            raise ValueError("an interval has one level: interval_level, or columns.interval_level")
        return self

    def used_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping names, without repetition."""
        texts = [text.column for text in (self.currency, self.channel) if text.column]
        choices = (self.kind, self.outcome, self.status, self.measured_by)
        return tuple(dict.fromkeys([*named(self.columns, *choices), *texts]))
