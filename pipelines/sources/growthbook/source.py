"""GrowthBook: experiments on the site, what they show to whom and since when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.errors import SourceRejected
from pipelines.secret_settings import Secrets
from pipelines.source_settings import GrowthbookSettings
from pipelines.sources.base import KEPT, Account, Batch, Unreadable, Window
from pipelines.sources.growthbook.api import NAME, GrowthbookApi
from pipelines.sources.shapes.columns import schema_of, typed

TABLE = "raw.experiments"
_KINDS = {"standard": "site_test", "multi-armed-bandit": "site_bandit"}
_STATUSES = {"draft": "PLANNED", "running": "RUNNING", "stopped": "DONE"}
_DID_NOT_FINISH = "dnf"

Definition = dict[str, Any]


class GrowthbookSource:
    """The experiments of one organisation, as :class:`pipelines.sources.base.Source`.

    They have no days: each run lands the whole list as it is, in place of the last one.

    Args:
        settings: our name for the organisation, the time zone of days, another URL.
        api_key: a secret key that may read.
        sleep, backoff: how retries wait.
    """

    name = NAME
    tables = (TABLE,)
    span = None
    lookback_days = 1
    max_window_days = 366

    def __init__(
        self,
        settings: GrowthbookSettings,
        api_key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        backoff: float = 0.5,
    ) -> None:
        self.account_ids = (settings.organization,)
        self._zone = settings.time_zone
        self._api = GrowthbookApi(
            settings.url, api_key, max_pages=settings.max_pages, backoff=backoff, sleep=sleep
        )

    def account(self, account_id: str) -> Account:
        """The organisation as configured: the API doesn't say whose a key is.

        Raises:
            SourceRejected: another one was asked for.
        """
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"{NAME}: no account {account_id}; adcanary.yaml has {self.account_ids[0]}.",
                kept=KEPT,
                fix="Set sources.growthbook.organization.",
            )
        return Account(account_id, f"GrowthBook {account_id}", "XXX", self._zone)

    def reach(self, account_id: str) -> None:
        """Ask for one experiment, as :class:`pipelines.sources.base.Reaches`."""
        self._api.reach(account_id)

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._api.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Nothing: a definition is of no day."""
        yield from ()

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Every experiment as it is defined now; one that can't be read is set aside."""
        pulled_at = datetime.now(UTC)
        rows: list[dict[str, Any]] = []
        unreadable: list[Unreadable] = []
        for definition in self._api.experiments(account_id):
            try:
                rows.append(_row(definition, self._zone) | {"account_id": account_id})
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                field = error.args[0] if isinstance(error, KeyError) else type(error).__name__
                why = f"the definition can't be read ({field})"
                unreadable.append(Unreadable({"experiment_id": definition["id"]}, why, day))
        columns = {name: [row.get(name) for row in rows] for name in schema_of(TABLE).names}
        yield Batch(
            *(self.name, TABLE, account_id, None, Window(day, day)),
            typed(TABLE, columns),
            pulled_at,
            unreadable=tuple(unreadable),
        )


def open_source(settings: GrowthbookSettings, secrets: Secrets) -> GrowthbookSource:
    """The organisation as configured; ConfigError where its key is missing."""
    return GrowthbookSource(settings, secrets.require("growthbook_api_key"))


def _row(definition: Definition, zone: str) -> dict[str, Any]:
    """What an experiment's definition says, by columns of raw.experiments.

    Raises:
        KeyError: a field is gone, or a status or kind is a new one.
        ValueError: an instant that is none.
    """
    kind = _KINDS[definition.get("type", "standard")]
    phases = [_phase(phase) for phase in definition["phases"]]
    begun = phases if definition["status"] != "draft" else []
    over = definition["status"] == "stopped"
    return {
        "experiment_id": definition["id"],
        "name": definition["name"] or None,
        "kind": kind,
        "measured_by": "own",
        "status": _status(definition),
        "start_date": _day(begun[0]["started_at"], zone) if begun else None,
        "end_date": _day(begun[-1]["ended_at"], zone) if begun and over else None,
        "tracking_key": definition["trackingKey"],
        "hypothesis": definition["hypothesis"] or None,
        "variations": _variations(definition, moves=kind == "site_bandit"),
        "phases": begun,
        "time_zone": zone,
    }


def _status(definition: Definition) -> str:
    """Our word for its status: what was put away before its end, or didn't finish, says nothing."""
    status = _STATUSES[definition["status"]]
    finished = definition.get("resultSummary", {}).get("status") != _DID_NOT_FINISH
    put_away = definition["archived"] and status != "DONE"
    return status if finished and not put_away else "VOID"


def _variations(definition: Definition, *, moves: bool) -> list[dict[str, Any]]:
    """What is shown, each with its weight if every phase gave it the same.

    Args:
        moves: whether GrowthBook moves the weights while the experiment runs.
    """
    splits = [
        {part["variationId"]: float(part["weight"]) for part in phase["trafficSplit"]}
        for phase in definition["phases"]
    ]
    same = bool(splits) and not moves and all(split == splits[0] for split in splits)
    return [
        {
            "variation_id": variation["key"],
            "name": variation["name"] or None,
            "weight": splits[0][variation["variationId"]] if same else None,
        }
        for variation in definition["variations"]
    ]


def _phase(phase: Definition) -> dict[str, Any]:
    ended = phase.get("dateEnded")
    return {
        "started_at": _instant(phase["dateStarted"]),
        "ended_at": _instant(ended) if ended else None,
        "coverage": float(phase["coverage"]),
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _day(at: datetime | None, zone: str) -> date | None:
    return at.astimezone(ZoneInfo(zone)).date() if at else None
