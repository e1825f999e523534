"""GrowthBook's REST API as the source uses it: the list of experiments."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from pipelines.errors import SourceError, SourceUnavailable
from pipelines.source_settings import MAX_PAGES
from pipelines.sources.base import KEPT
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.calls.paging import Pages

NAME = "growthbook"
_PAGE = 100
_READINGS = 3
_KEY = "Set ADCANARY_GROWTHBOOK_API_KEY to a secret key with the role readonly"
_FIXES = {401: f"{_KEY}: this one is wrong or was revoked.", 403: f"{_KEY}."}


class GrowthbookApi:
    """The API of one organisation, which is only read.

    Args:
        sleep, backoff: see :class:`pipelines.sources.calls.http.HttpApi`.
        max_pages: of one reading.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        max_pages: int = MAX_PAGES,
        backoff: float = 0.5,
    ) -> None:
        self._max_pages = max_pages
        self._api = HttpApi(
            NAME,
            url,
            {"Authorization": f"Bearer {api_key}"},
            refused=_refused,
            backoff=backoff,
            sleep=sleep,
        )

    def experiments(self, organization: str) -> list[dict[str, Any]]:
        """Every experiment, archived ones too, in order of creation; each once.

        Pages are by place in the list: one that is deleted meanwhile would hide another.

        Raises:
            SourceUnavailable: the list changed under each of three readings.
        """
        for _ in range(_READINGS):
            experiments, total = self._read(organization)
            if len(experiments) == total:
                return list(experiments.values())
        raise SourceUnavailable(
            f"{NAME} account {organization}: experiments changed while they were read, three "
            f"times: {len(experiments)} of {total} came.",
            kept=KEPT,
            fix="Run again later.",
        )

    def reach(self, organization: str) -> None:
        """Ask for one experiment."""
        self._api.get(organization, "api/v1/experiments", {"limit": 1, "offset": 0})

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead of the last reply."""
        return self._api.clock_offset

    def _read(self, organization: str) -> tuple[dict[str, dict[str, Any]], int]:
        """One reading's experiments by id, and how many the last page says there are."""
        pages = Pages(f"{NAME} account {organization}", "experiments", self._max_pages)
        experiments: dict[str, dict[str, Any]] = {}
        offset = 0
        while True:
            asked = {"limit": _PAGE, "offset": offset}
            page = self._api.get(organization, "api/v1/experiments", asked)
            experiments |= {one["id"]: one for one in page["experiments"]}
            if not page["hasMore"]:
                return experiments, page["total"]
            offset = page["nextOffset"]
            pages.turn(offset)


def _refused(_organization: str, reply: httpx.Response, error: SourceError) -> SourceError:
    error.fix = _FIXES.get(reply.status_code, error.fix)
    return error
