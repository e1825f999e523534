"""Google Ads when it fails: each fault of the sandbox, survived or told with account and cause."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines.errors import SourceParked, SourceRejected, SourceUnavailable
from pipelines.sandbox.platforms.google_ads.faults import BREAKING, KNOWN
from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
from pipelines.sources.base import Batch, Window
from pipelines.sources.google_ads.source import GoogleAdsSource
from tests.wire.test_google_ads_source import (
    ACCOUNT,
    AD,
    ADGROUP,
    CAMPAIGN,
    EU,
    US,
    WEEK,
    pull,
    source_of,
    summed,
)

pytestmark = pytest.mark.slow

DAY = Window(WEEK.end, WEEK.end)
# a few calls go wrong, and the pull ends with what it would have had
SURVIVED = {
    "unavailable": 3,
    "internal_mid_stream": 3,
    "empty_page": 3,
    "quota_on_page_2": 3,
    "expired_page_token": 3,
    "token_expired_mid_stream": 1,
}
OTHERWISE_TESTED = {"stream_stalls", "zero_rows", "withdrawn_rows"}


@pytest.fixture(autouse=True)
def _faults_off(google: GoogleAdsServer) -> Iterator[None]:
    yield
    google.faults.switch_off()


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def source(google: GoogleAdsServer, waited: list[float]) -> GoogleAdsSource:
    """A source that waits for nobody."""
    return source_of(google, sleep=waited.append)


def renewing(google: GoogleAdsServer, **changes: Any) -> GoogleAdsSource:
    """A source that gets its access tokens for a refresh token."""
    secrets = {
        "google_ads_access_token": None,
        "google_ads_refresh_token": google.oauth.refresh_token,
        "google_ads_client_id": google.oauth.client_id,
        "google_ads_client_secret": google.oauth.client_secret,
    }
    return source_of(google, **{**secrets, **changes})


def rows(batches: dict[str, Batch]) -> dict[str, Any]:
    return {table: batch.rows for table, batch in batches.items()}


def test_every_fault_is_tested_here() -> None:
    assert {*SURVIVED, *OTHERWISE_TESTED, *BREAKING} == set(KNOWN)


@pytest.mark.parametrize(("fault", "times"), SURVIVED.items())
def test_a_pull_ends_with_the_same_rows_and_none_twice(
    google: GoogleAdsServer, waited: list[float], fault: str, times: int
) -> None:
    source = renewing(google, sleep=waited.append)
    google.page_rows = 7
    whole = rows(pull(source, US, DAY))
    google.faults.switch_on(fault, times=times)
    assert rows(pull(source, US, DAY)) == whole
    assert not google.faults.strikes(fault)


@pytest.mark.parametrize("page_rows", [1, 2, 3, 4])
def test_exactly_a_page_of_rows_or_one_more_are_all_there(
    source: GoogleAdsSource, google: GoogleAdsServer, page_rows: int
) -> None:
    google.page_rows = page_rows
    one_day = Window(DAY.start - timedelta(days=120), DAY.start - timedelta(days=120))
    assert pull(source, US, one_day)[CAMPAIGN].rows.num_rows == 3


def test_a_short_quota_delay_is_waited_for(
    source: GoogleAdsSource, google: GoogleAdsServer, waited: list[float]
) -> None:
    google.faults.switch_on("quota_on_page_2", times=2)
    assert source.account(US).name == "Canary US"
    assert waited == [7.0, 7.0]


def test_a_quota_delay_of_hours_parks_the_account_and_says_until_when(
    source: GoogleAdsSource, google: GoogleAdsServer, waited: list[float]
) -> None:
    google.faults.switch_on("quota_for_hours", account_id=US)
    with pytest.raises(SourceParked, match=rf"{US}.*parked until .* UTC.*quota") as parked:
        pull(source, US, DAY)
    in_three_hours = datetime.now(UTC) + timedelta(hours=3)
    assert abs(parked.value.until - in_three_hours) < timedelta(minutes=1)
    assert waited == []
    assert pull(source, EU, DAY)


def test_a_platform_that_stays_down_is_given_up_before_anything_is_yielded(
    source: GoogleAdsSource, google: GoogleAdsServer, waited: list[float]
) -> None:
    source.account(US)
    google.faults.switch_on("internal_mid_stream")
    with pytest.raises(SourceUnavailable, match=rf"{US}.*INTERNAL_ERROR"):
        next(source.pull(US, DAY))
    assert waited == [0.01, 0.02, 0.04, 0.08]


def test_a_stream_that_goes_quiet_is_left_after_the_timeout_and_asked_again(
    google: GoogleAdsServer, waited: list[float]
) -> None:
    source = source_of(google, timeout_seconds=0.3, sleep=waited.append)
    google.faults.switch_on("stream_stalls", times=1)
    began = time.monotonic()
    assert source.account(US).name == "Canary US"
    assert time.monotonic() - began < 10  # it would stall for a minute
    assert len(waited) == 1


def test_a_token_that_ends_in_a_stream_is_renewed_once(google: GoogleAdsServer) -> None:
    source = renewing(google)
    google.faults.switch_on("token_expired_mid_stream", times=1)
    assert source.account(US).name == "Canary US"
    google.faults.switch_on("token_expired_mid_stream", times=2)
    with pytest.raises(SourceRejected, match=rf"{US}.*OAUTH_TOKEN_EXPIRED"):
        pull(source, US, DAY)


def test_a_token_that_ends_and_can_not_be_renewed_is_rejected_with_the_account(
    source: GoogleAdsSource, google: GoogleAdsServer, waited: list[float]
) -> None:
    source.account(US)
    google.faults.switch_on("token_expired_mid_stream")
    with pytest.raises(SourceRejected, match=rf"{US}.*OAUTH_TOKEN_EXPIRED") as refused:
        pull(source, US, DAY)
    assert "ADCANARY_GOOGLE_ADS_REFRESH_TOKEN" in str(refused.value)
    assert google.access_token not in str(refused.value)
    assert waited == []


def test_a_revoked_refresh_token_is_rejected_and_not_mistaken_for_an_outage(
    google: GoogleAdsServer,
) -> None:
    source = renewing(google, google_ads_refresh_token="revoked")
    with pytest.raises(SourceRejected, match=rf"{US}[\s\S]*invalid_grant[\s\S]*REFRESH_TOKEN"):
        source.account(US)


def test_a_token_endpoint_that_does_not_answer_is_unavailable(google: GoogleAdsServer) -> None:
    source = renewing(google, token_uri="http://127.0.0.1:1/token", sleep=lambda _: None)
    with pytest.raises(SourceUnavailable, match=rf"{US}.*no token"):
        source.account(US)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("account_closed", r"\(Canary US\) is CLOSED"),
        ("permission_denied", "USER_PERMISSION_DENIED"),
    ],
)
def test_an_account_that_is_gone_fails_by_name_and_the_other_goes_on(
    source: GoogleAdsSource, google: GoogleAdsServer, fault: str, words: str
) -> None:
    google.faults.switch_on(fault, account_id=US)
    with pytest.raises(SourceRejected, match=rf"{US}.*{words}"):
        pull(source, US, DAY)
    assert pull(source, EU, DAY)[CAMPAIGN].rows.num_rows


def test_an_account_that_closes_after_the_walk_fails_by_name(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    source.account(US)
    google.faults.switch_on("account_closed", account_id=US)
    with pytest.raises(SourceRejected, match=rf"{US}.*CUSTOMER_NOT_ENABLED"):
        pull(source, US, DAY)


def test_rows_that_google_withdraws_are_gone_at_every_level_and_from_the_books(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    before = pull(source)
    google.faults.switch_on("withdrawn_rows")
    after = pull(source)
    for table in (CAMPAIGN, ADGROUP, AD):
        assert after[table].rows.num_rows < before[table].rows.num_rows
    spend = after[CAMPAIGN].account_spend
    assert spend == {d: v[2] for (d,), v in summed(after[CAMPAIGN].rows, "date").items()}
    assert spend == {d: m for d, m in google.spend_by_day(US).items() if d >= WEEK.start}
    assert sum(after[ACCOUNT].rows["cost_micros"].to_pylist()) == sum(spend.values())
    assert before[CAMPAIGN].account_spend != spend


def test_rows_of_zeroes_change_no_sum(source: GoogleAdsSource, google: GoogleAdsServer) -> None:
    plain = pull(source, EU)[CAMPAIGN]
    google.faults.switch_on("zero_rows")
    padded = pull(source, EU)[CAMPAIGN]
    assert padded.rows.num_rows > plain.rows.num_rows
    assert summed(padded.rows, "date") == summed(plain.rows, "date")
    assert padded.account_spend == plain.account_spend


def test_a_micro_that_no_campaign_spent_shows_in_the_accounts_spend(
    source: GoogleAdsSource, google: GoogleAdsServer
) -> None:
    google.faults.switch_on("spend_mismatch", account_id=US)
    campaigns = pull(source)[CAMPAIGN]
    spend = campaigns.account_spend
    assert spend
    sums = {day: v[2] for (day,), v in summed(campaigns.rows, "date").items()}
    assert {day: spend[day] - sums[day] for day in sums if spend[day] != sums[day]} == {WEEK.end: 1}
