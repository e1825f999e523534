"""HubSpot's CRM API v3 and v4 as the source uses it: searches, archived records, associations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from pipelines.errors import SourceError, SourceParked, SourceRejected, SourceUnavailable
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.paging import Pages
from pipelines.sources.calls.quotas import parked
from pipelines.sources.shapes.crm_tables import Row, midnight

NAME = "hubspot"
# A search gives no result beyond the 10,000th, whatever it matches.
SEARCH_CAP = 10_000
_PAGE, _ARCHIVED_PAGE = 200, 100
_ASSOCIATION_BATCH, _READ_BATCH = 1000, 100
_READINGS = 3
# This share of the day's calls is left to the portal's other integrations.
_RESERVE = 0.01
_SHORT_WAITS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
_FINEST = timedelta(milliseconds=1)
_TOKEN = "Set ADCANARY_HUBSPOT_TOKEN to the access token of a private app that may read contacts "
_FIXES = {
    401: _TOKEN + "and deals: this one is wrong or was withdrawn.",
    403: _TOKEN + "and deals (crm.objects.contacts.read, crm.objects.deals.read).",
}


class HubspotApi:
    """HubSpot's CRM API, which is only read.

    Every method raises SourceUnavailable, SourceParked or SourceRejected, naming the portal.

    Args:
        time_zone: the portal's, until it is asked: the daily quota starts again at its midnight.
        sleep, backoff: see :class:`pipelines.sources.calls.http.HttpApi`.
        max_pages: of one reading.
    """

    def __init__(
        self,
        url: str,
        access_token: str,
        time_zone: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.5,
    ) -> None:
        self._time_zone, self._token = time_zone, access_token
        self._daily: tuple[int | None, int | None] = (None, None)
        self._max_pages = max_pages
        self._api = HttpApi(
            NAME,
            url,
            {"Authorization": f"Bearer {access_token}"},
            inspect=self._park_before_the_quota,
            refused=self._refused,
            before_next=_pause,
            backoff=backoff,
            sleep=sleep,
        )

    def portal(self, portal: str) -> dict[str, Any]:
        """The portal that the token is of: portalId, timeZone and companyCurrency."""
        details: dict[str, Any] = self._api.get(portal, "account-info/v3/details")
        self._time_zone = details["timeZone"]
        return details

    def scopes(self, portal: str) -> frozenset[str]:
        """What the private app of the token may do."""
        body = {"tokenKey": self._token}
        answer = self._post(portal, "oauth/v2/private-apps/get/access-token-info", body)
        return frozenset(map(str, answer["scopes"]))

    @property
    def daily_calls(self) -> tuple[int, int] | None:
        """Calls that the portal may make in a day and those that are left, as the last reply said;
        a search's doesn't."""
        allowed, left = self._daily
        return None if allowed is None or left is None else (allowed, left)

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def search(
        self,
        portal: str,
        kind: str,
        properties: Sequence[str],
        created: tuple[str, datetime, datetime],
        modified: tuple[str, datetime] | None = None,
    ) -> list[Row]:
        """Records by when they were created, flat: ``id`` and the properties, each record once.

        A range that matches more than a search may give is halved, down to a millisecond.

        Args:
            kind: contacts or deals.
            created: the property to search by, the first instant and the first one after.
            modified: the property and first instant of the last change.

        Raises:
            SourceUnavailable: the portal changed under each of three readings.
            SourceRejected: more records than a search gives were created in one millisecond.
        """
        name, start, end = created
        filters = [_filter(name, "GTE", start), _filter(name, "LT", end)]
        if modified:
            filters.append(_filter(modified[0], "GTE", modified[1]))
        for _ in range(_READINGS):
            records, total = self._read(portal, kind, properties, filters)
            if total > SEARCH_CAP:
                middle = start + (end - start) // 2
                if end - start <= _FINEST:
                    raise SourceRejected(
                        f"{NAME} account {portal}: {total} {kind} were created at {start}, "
                        f"and a search gives {SEARCH_CAP}.",
                        kept=KEPT,
                        fix="Leave these days out, or delete the import that made them.",
                    )
                halves = ((name, start, middle), (name, middle, end))
                return [
                    r for h in halves for r in self.search(portal, kind, properties, h, modified)
                ]
            if len(records) == total:
                return list(records.values())
        raise SourceUnavailable(
            f"{NAME} account {portal}: {kind} changed while they were read, three times: "
            f"{len(records)} of {total} came.",
            kept=KEPT,
            fix="Run again later.",
        )

    def _read(
        self, portal: str, kind: str, properties: Sequence[str], filters: list[dict[str, str]]
    ) -> tuple[dict[str, Row], int]:
        """The pages of one search by id, and how many records it says it matches."""
        body: dict[str, Any] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": _PAGE,
        }
        records: dict[str, Row] = {}
        pages = self._pages(portal, kind)
        while True:
            page = self._post(portal, f"crm/v3/objects/{kind}/search", body)
            if page["total"] > SEARCH_CAP:
                return records, page["total"]
            records |= {record["id"]: _flat(record) for record in page["results"]}
            after = _next(page)
            if after is None:
                return records, page["total"]
            pages.turn(after)
            body["after"] = after

    def archived(self, portal: str, kind: str, created: str, since: datetime) -> Iterator[Row]:
        """Records deleted since an instant, as long as HubSpot's recycle bin has them (90 days)."""
        params = {"archived": "true", "limit": _ARCHIVED_PAGE, "properties": created}
        pages = self._pages(portal, f"archived {kind}")
        while True:
            page = self._api.get(portal, f"crm/v3/objects/{kind}", params)
            for record in page["results"]:
                if datetime.fromisoformat(record["archivedAt"]) >= since:
                    yield _flat(record)
            after = _next(page)
            if after is None:
                return
            pages.turn(after)
            params = {**params, "after": after}

    def associated(self, portal: str, start: str, end: str, ids: Sequence[str]) -> dict[str, str]:
        """Id → lowest associated id (the oldest record), for those that have any."""
        lowest: dict[str, str] = {}
        for batch in _batches(ids, _ASSOCIATION_BATCH):
            path = f"crm/v4/associations/{start}/{end}/batch/read"
            answer = self._post(portal, path, {"inputs": [{"id": i} for i in batch]})
            for result in answer["results"]:
                if others := [int(other["toObjectId"]) for other in result["to"]]:
                    lowest[result["from"]["id"]] = str(min(others))
        return lowest

    def emails(self, portal: str, contacts: Sequence[str]) -> dict[str, str]:
        """Contact id → address, for contacts that have one. Hash them."""
        addresses: dict[str, str] = {}
        for batch in _batches(sorted(set(contacts)), _READ_BATCH):
            body = {"properties": ["email"], "inputs": [{"id": i} for i in batch]}
            answer = self._post(portal, "crm/v3/objects/contacts/batch/read", body)
            for record in answer["results"]:
                if email := record["properties"].get("email"):
                    addresses[record["id"]] = email
        return addresses

    def property_names(self, portal: str, kind: str) -> set[str]:
        """The properties that the portal's contacts or deals have, as far as the app may see."""
        answer = self._api.get(portal, f"crm/v3/properties/{kind}", {"archived": "false"})
        return {prop["name"] for prop in answer["results"]}

    def _pages(self, portal: str, what: str) -> Pages:
        return Pages(f"{NAME} account {portal}", what, self._max_pages)

    def _post(self, portal: str, path: str, body: dict[str, Any]) -> Any:
        """A reading POST."""
        return self._api.call(portal, "POST", path, json=body).json()

    def _refused(self, portal: str, reply: httpx.Response, error: SourceError) -> SourceError:
        policy = _policy(reply) if reply.status_code == httpx.codes.TOO_MANY_REQUESTS else None
        if policy == "DAILY":
            return self._until_midnight(portal, "the portal's daily quota of calls is used up")
        if isinstance(error, SourceUnavailable) and policy in _SHORT_WAITS:
            error.retry_seconds = error.retry_seconds or _SHORT_WAITS[policy]
        elif fix := _FIXES.get(reply.status_code):
            error.fix = fix
        return error

    def _park_before_the_quota(self, portal: str, reply: httpx.Response) -> None:
        left = _number(reply, "x-hubspot-ratelimit-daily-remaining")
        allowed = _number(reply, "x-hubspot-ratelimit-daily")
        if allowed is not None:
            self._daily = (allowed, left)
        if left is not None and allowed and left < allowed * _RESERVE:
            why = f"{left} of the portal's {allowed} daily calls are left"
            raise self._until_midnight(portal, why)

    def _until_midnight(self, portal: str, why: str) -> SourceParked:
        now = datetime.now(UTC)
        tomorrow = now.astimezone(ZoneInfo(self._time_zone)).date() + timedelta(days=1)
        seconds = (midnight(tomorrow, self._time_zone) - now).total_seconds()
        return parked(f"{NAME} account {portal}", seconds, why)


def _pause(reply: httpx.Response) -> float:
    """Seconds until the rolling window has room again, where the reply took its last place."""
    if _number(reply, "x-hubspot-ratelimit-remaining") != 0:
        return 0.0
    return (_number(reply, "x-hubspot-ratelimit-interval-milliseconds") or 10_000) / 1000


def _number(reply: httpx.Response, header: str) -> int | None:
    value = reply.headers.get(header, "")
    return int(value) if value.isdecimal() else None


def _policy(reply: httpx.Response) -> str | None:
    try:
        return str(reply.json()["policyName"])
    except (ValueError, KeyError, TypeError):
        return None


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[first : first + size] for first in range(0, len(ids), size))


def _filter(name: str, operator: str, at: datetime) -> dict[str, str]:
    milliseconds = (at - datetime.fromtimestamp(0, UTC)) // _FINEST
    return {"propertyName": name, "operator": operator, "value": str(milliseconds)}


def _flat(record: dict[str, Any]) -> Row:
    return {"id": record["id"], **record["properties"]}


def _next(page: dict[str, Any]) -> str | None:
    after = page.get("paging", {}).get("next", {}).get("after")
    return None if after is None else str(after)
