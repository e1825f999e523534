"""Reading TikTok's Business API: its envelope, its pages, and whether all of them came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx

from pipelines.errors import CredentialRefused, SourceRejected, SourceUnavailable
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT, Window
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.paging import Pages
from pipelines.sources.calls.quoting import quoted

NAME = "tiktok_ads"
MAX_DAYS = 30
MAX_PAGE_SIZE = 1000
VERSION = "v1.3"
_ROOT = f"open_api/{VERSION}"
_NULL = "-"
# a list that changes while its pages are read is read again
_READS = 3
_OK, _RATE_LIMIT, _FAULTS = 0, 40100, range(50_000, 60_000)
_FIXES = {
    40001: "Grant the token's app this advertiser: it has no permission, or the id is wrong.",
    40102: "The access token has expired: renew ADCANARY_TIKTOK_ACCESS_TOKEN.",
    40104: "The access token is missing: set ADCANARY_TIKTOK_ACCESS_TOKEN.",
    40105: "The access token is wrong or was revoked: renew ADCANARY_TIKTOK_ACCESS_TOKEN.",
}
_CREDENTIAL = frozenset({40102, 40104, 40105})
_CHANGED = "Check the url; if it is right, TikTok has changed its API."

Row = dict[str, Any]


class TiktokApi:
    """TikTok's Business API, which is only read.

    Every method raises SourceUnavailable or SourceRejected, naming the account.

    Args:
        page_size: rows to ask for at once, 1000 at most.
        backoff: seconds before the second try of a call; doubled for each further one.
    """

    def __init__(
        self,
        url: str,
        access_token: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.5,
    ) -> None:
        self._max_pages = max_pages
        self._page_size = page_size
        self._api = HttpApi(
            NAME,
            f"{url.rstrip('/')}/{_ROOT}",
            {"Access-Token": access_token},
            inspect=_inspect,
            backoff=backoff,
        )

    def advertiser(self, account_id: str) -> Row:
        """Name, currency and time zone of an advertiser."""
        params = {
            "advertiser_ids": json.dumps([account_id]),
            "fields": json.dumps(["advertiser_id", "name", "currency", "timezone"]),
        }
        body = self._api.get(account_id, "advertiser/info/", params)
        advertisers = body["data"].get("list")
        if not advertisers:
            raise refused(account_id, "TikTok knows no such advertiser", fix=_FIXES[40001])
        row: Row = advertisers[0]
        return row

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def entities(self, account_id: str, kind: str, fields: Sequence[str]) -> list[Row]:
        """Every campaign, adgroup or ad of an advertiser, deleted ones included."""
        params = {
            "advertiser_id": account_id,
            "fields": json.dumps(fields),
            "filtering": json.dumps({"primary_status": "STATUS_ALL"}),
        }
        rows = self._pages(account_id, f"{kind}/get/", params)
        if any(f"{kind}_id" not in row for row in rows):
            raise refused(account_id, f"a {kind} has no {kind}_id", fix=_CHANGED)
        return rows

    def report(
        self, account_id: str, level: str, metrics: Sequence[str], window: Window
    ) -> list[Row]:
        """Rows of the integrated report by day, deleted entities included.

        A row has its dimensions and metrics side by side; what is nothing is None.

        Args:
            level: advertiser, campaign, adgroup or ad.
            window: of any length; asked for in thirty days at most.
        """
        params = {
            "advertiser_id": account_id,
            "report_type": "BASIC",
            "data_level": f"AUCTION_{level.upper()}",
            "dimensions": json.dumps([f"{level}_id", "stat_time_day"]),
            "metrics": json.dumps(metrics),
        }
        if level != "advertiser":
            every_status = {
                "field_name": f"{level}_status",
                "filter_type": "IN",
                "filter_value": json.dumps(["STATUS_ALL"]),
            }
            params["filtering"] = json.dumps([every_status])
        rows: list[Row] = []
        for part in window.split(MAX_DAYS):
            days = {"start_date": part.start.isoformat(), "end_date": part.end.isoformat()}
            rows += self._pages(account_id, "report/integrated/get/", {**params, **days})
        try:
            return [_flat(row) for row in rows]
        except (KeyError, TypeError):
            reason = "a row of the report has no dimensions or metrics"
            raise refused(account_id, reason, fix=_CHANGED) from None

    def _pages(self, account_id: str, path: str, params: dict[str, str]) -> list[Row]:
        """All rows of all pages, as many as TikTok counts."""
        rows: list[Row] = []
        total = 0
        for _ in range(_READS):
            try:
                rows, total = self._read(account_id, path, params)
            except (KeyError, TypeError):
                raise refused(
                    account_id,
                    f"the answer of {path} has no list or page_info",
                    fix=_CHANGED,
                ) from None
            if len(rows) == total:
                return rows
        raise SourceUnavailable(
            f"{NAME} account {account_id}: {path} gave {len(rows):,} rows and counts {total:,}, "
            f"{_READS} times over.",
            kept=KEPT,
            fix="Run again later.",
        )

    def _read(self, account_id: str, path: str, params: dict[str, str]) -> tuple[list[Row], int]:
        rows: list[Row] = []
        pages = Pages(f"{NAME} account {account_id}", path, self._max_pages)
        page = 1
        while True:
            asked = {**params, "page": str(page), "page_size": str(self._page_size)}
            data = self._api.get(account_id, path, asked)["data"]
            rows += data["list"]
            info = data["page_info"]
            if page >= info["total_page"]:
                return rows, info["total_number"]
            pages.expect(info["total_page"])
            page += 1


def _flat(row: Row) -> Row:
    cells = {**row["dimensions"], **row["metrics"]}
    return {name: None if value == _NULL else value for name, value in cells.items()}


def refused(account_id: str, why: str, *, fix: str) -> SourceRejected:
    """An answer that can't be used."""
    return SourceRejected(f"{NAME} account {account_id}: {why}.", kept=KEPT, fix=fix)


def _inspect(account_id: str, reply: httpx.Response) -> None:
    """Nearly every reply has status 200; its code says whether it is an answer."""
    where = f"{NAME} account {account_id}"
    body = reply.json()
    code = body.get("code") if isinstance(body, dict) else None
    if code == _OK and isinstance(body.get("data"), dict):
        return
    said = f"code {code}: {quoted(body.get('message'))}" if code else "no code and no data"
    if code == _RATE_LIMIT or code in _FAULTS:
        raise SourceUnavailable(f"{where}: {said}", kept=KEPT, fix="Run again later.")
    fix = _FIXES.get(code or 0, "Correct what TikTok's message names.")
    if code in _CREDENTIAL:
        raise CredentialRefused(f"{where}: {said}.", kept=KEPT, fix=fix)
    raise refused(account_id, said, fix=fix)
