"""Reading LinkedIn's Rest.li API: finders with cursors, and analytics that have none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from pipelines.errors import SourceError, SourceRejected, SourceUnavailable
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT, Window
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.paging import Pages
from pipelines.sources.calls.quotas import parked
from pipelines.sources.calls.quoting import quoted

NAME = "linkedin_ads"
VERSION = "202606"
# what adAnalytics gives at most; it says nothing where there is more
ROW_CAP = 15_000
FIELDS = (
    "dateRange",
    "pivotValues",
    "impressions",
    "clicks",
    "costInLocalCurrency",
    "externalWebsiteConversions",
    "conversionValueInLocalCurrency",
    "videoViews",
    "videoCompletions",
)
# every status is asked for: without them LinkedIn leaves out what was archived or removed
_STATUSES = "ACTIVE,PAUSED,DRAFT,ARCHIVED,CANCELED,PENDING_DELETION,REMOVED"
_FINDERS = {
    "adCampaignGroups": f"q=search&search=(status:(values:List({_STATUSES})))&pageSize=1000",
    "adCampaigns": f"q=search&search=(status:(values:List({_STATUSES},COMPLETED)))&pageSize=1000",
    "creatives": f"q=criteria&intendedStatuses=List({_STATUSES})&pageSize=100",
}
# a query may have about 4 KB, a campaign's URN takes 45 bytes
_URNS_A_CALL = 50
_DAY_LIMIT = re.compile(r"\bDAY\b")
_TOO_MANY, _FAULT = 429, 500
_CHANGED = "Check the url; if it is right, LinkedIn has changed its API."

Row = dict[str, Any]


@dataclass(frozen=True)
class Level:
    """A level of the hierarchy: its pivots, and the facet by which one day can be divided."""

    pivots: tuple[str, ...]
    facet: str = "campaigns"


class LinkedinApi:
    """LinkedIn's marketing API, which is only read.

    Every method raises SourceUnavailable, SourceParked or SourceRejected, naming the account.

    Args:
        version: the API's month, YYYYMM; each is served for about a year.
        row_cap: rows at which analytics stop.
        backoff: seconds before the second try of a call; doubled for each further one.
        max_pages: of one reading.
    """

    def __init__(
        self,
        url: str,
        access_token: str,
        *,
        version: str = VERSION,
        row_cap: int = ROW_CAP,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.5,
    ) -> None:
        self._row_cap = row_cap
        self._max_pages = max_pages
        headers = {
            "Authorization": f"Bearer {access_token}",
            "LinkedIn-Version": version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        base_url = f"{url.rstrip('/')}/rest"
        self._api = HttpApi(
            NAME, base_url, headers, inspect=_inspect, refused=_refused, backoff=backoff
        )

    def account(self, account_id: str) -> Row:
        """The ad account itself; refused where the token's user has no role on it.

        To be asked before analytics, which are empty then, without an error.
        """
        account: Row = self._api.get(account_id, f"adAccounts/{account_id}")
        return account

    def role(self, account_id: str) -> str | None:
        """The role of the token's user on the account; None where LinkedIn names none."""
        mine = _elements(
            account_id, self._api.get(account_id, "adAccountUsers?q=authenticatedUser")
        )
        account = f"urn:li:sponsoredAccount:{account_id}"
        return next((str(row["role"]) for row in mine if row.get("account") == account), None)

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def entities(self, account_id: str, kind: str) -> list[Row]:
        """Every row of adCampaignGroups, adCampaigns or creatives, archived ones included.

        A page may be empty and still have a next one.
        """
        path = f"adAccounts/{account_id}/{kind}?{_FINDERS[kind]}"
        rows: list[Row] = []
        pages = Pages(f"{NAME} account {account_id}", kind, self._max_pages)
        token: str | None = None
        while True:
            page = self._api.get(account_id, path + (f"&pageToken={quote(token)}" if token else ""))
            rows += _elements(account_id, page)
            token = (page.get("metadata") or {}).get("nextPageToken")
            if not token:
                break
            pages.turn(token)
        if any("id" not in row for row in rows):
            raise refused(account_id, f"one of its {kind} has no id", fix=_CHANGED)
        return rows

    def analytics(
        self, account_id: str, level: Level, window: Window, parts: Sequence[str]
    ) -> list[Row]:
        """Delivery by day in a window.

        Args:
            parts: URNs of everything at the level's facet, by which a day is divided that has
                more rows than one answer holds.
        """
        account = f"urn:li:sponsoredAccount:{account_id}"
        rows = self._analytics(account_id, level, window, "accounts", [account])
        if len(rows) < self._row_cap:
            return rows
        if window.start < window.end:
            return [
                row
                for half in _halves(window)
                for row in self.analytics(account_id, level, half, parts)
            ]
        return [
            row
            for first in range(0, len(parts), _URNS_A_CALL)
            for row in self._of_parts(
                account_id, level, window.start, parts[first : first + _URNS_A_CALL]
            )
        ]

    def _of_parts(
        self, account_id: str, level: Level, day: date, parts: Sequence[str]
    ) -> list[Row]:
        rows = self._analytics(account_id, level, Window(day, day), level.facet, parts)
        if len(rows) < self._row_cap:
            return rows
        if len(parts) == 1:
            raise refused(
                account_id,
                f"{parts[0]} has {self._row_cap:,} rows or more on {day}, and LinkedIn gives no "
                "more than that",
                fix="It can't be divided further: report it to the maintainers.",
            )
        middle = len(parts) // 2
        return [
            row
            for half in (parts[:middle], parts[middle:])
            for row in self._of_parts(account_id, level, day, half)
        ]

    def _analytics(
        self, account_id: str, level: Level, window: Window, facet: str, urns: Sequence[str]
    ) -> list[Row]:
        """One answer. Its query is put together here, since Rest.li wants its parentheses and
        commas as they are and only the URNs' colons encoded."""
        finder = f"q=analytics&pivot={level.pivots[0]}"
        if len(level.pivots) > 1:
            finder = f"q=statistics&pivots=List({','.join(level.pivots)})"
        days = f"(start:{_restli(window.start)},end:{_restli(window.end)})"
        listed = ",".join(quote(urn, safe="") for urn in urns)
        query = (
            f"{finder}&timeGranularity=DAILY&dateRange={days}"
            f"&{facet}=List({listed})&fields={','.join(FIELDS)}"
        )
        return _elements(account_id, self._api.get(account_id, f"adAnalytics?{query}"))


def refused(account_id: str, why: str, *, fix: str) -> SourceRejected:
    """An answer that can't be used."""
    return SourceRejected(f"{NAME} account {account_id}: {why}.", kept=KEPT, fix=fix)


def _refused(account_id: str, reply: httpx.Response, error: SourceError) -> SourceError:
    """A day's calls are counted until midnight UTC; LinkedIn sends no Retry-After."""
    if reply.status_code != _TOO_MANY or not _DAY_LIMIT.search(reply.text):
        return error
    now = datetime.now(UTC)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    why = "LinkedIn's calls of this day are used up"
    return parked(f"{NAME} account {account_id}", (midnight - now).total_seconds(), why)


def _inspect(account_id: str, reply: httpx.Response) -> None:
    """A reply of status 200 may hold an error's body."""
    body = reply.json()
    status = body.get("status") if isinstance(body, dict) else None
    if not isinstance(status, int):
        return
    message = f"{body.get('code')}: {quoted(body.get('message'))}"
    if status == _TOO_MANY or status >= _FAULT:
        raise SourceUnavailable(
            f"{NAME} account {account_id}: {message}.", kept=KEPT, fix="Run again later."
        )
    raise refused(account_id, message, fix="Correct what LinkedIn's message names.")


def _elements(account_id: str, body: Any) -> list[Row]:
    if not isinstance(body, dict) or not isinstance(body.get("elements"), list):
        raise refused(account_id, "LinkedIn's answer has no elements", fix=_CHANGED)
    elements: list[Row] = body["elements"]
    return elements


def _halves(window: Window) -> tuple[Window, Window]:
    middle = window.start + (window.end - window.start) // 2
    return Window(window.start, middle), Window(middle + timedelta(days=1), window.end)


def _restli(day: date) -> str:
    return f"(year:{day.year},month:{day.month},day:{day.day})"
