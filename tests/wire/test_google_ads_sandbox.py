"""The simulated Google Ads answers the real SDK as the service does, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.ads.googleads.client import GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.oauth2.credentials import Credentials

from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer

US = "1234567890"


@pytest.fixture
def sdk(google: GoogleAdsServer) -> GoogleAdsClient:
    return GoogleAdsClient(
        Credentials(token=google.access_token),
        developer_token=google.developer_token,
        endpoint=google.endpoint,
        use_proto_plus=False,
    )


def test_search_gives_the_rows_of_search_stream_page_by_page(
    sdk: GoogleAdsClient, google: GoogleAdsServer
) -> None:
    google.page_rows = 7
    service = sdk.get_service("GoogleAdsService")
    query = "SELECT segments.date, metrics.cost_micros FROM campaign WHERE " + (
        "segments.date BETWEEN '2026-06-01' AND '2026-06-10' AND campaign.status = 'ENABLED'"
    )
    stream = [r for m in service.search_stream(customer_id=US, query=query) for r in m.results]
    assert list(service.search(customer_id=US, query=query)) == stream
    assert len(stream) == 30


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (
            "SELECT segments.date, segments.conversion_action, metrics.clicks FROM campaign "
            "WHERE segments.date = '2026-06-01'",
            "PROHIBITED_SEGMENT_WITH_METRIC_IN_SELECT_OR_WHERE_CLAUSE",
        ),
        (
            "SELECT click_view.gclid FROM click_view WHERE "
            "segments.date BETWEEN '2026-06-01' AND '2026-06-02'",
            "EXPECTED_FILTER_ON_A_SINGLE_DAY",
        ),
        (
            "SELECT click_view.gclid FROM click_view WHERE segments.date = '2026-04-01'",
            "DATE_TOO_OLD",
        ),
        ("SELECT campaign.favourite_colour FROM campaign", "UNRECOGNIZED_FIELD"),
        ("SELECT campaign.id FROM campaigns", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT segments.date FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 4", "BAD_SYMBOL"),
        ("campaign.id", "EXPECTED_SELECT"),
    ],
)
def test_a_bad_query_is_refused_as_the_service_refuses_it(
    sdk: GoogleAdsClient, query: str, code: str
) -> None:
    with pytest.raises(GoogleAdsException) as refused:
        list(sdk.get_service("GoogleAdsService").search_stream(customer_id=US, query=query))
    assert f": {code}" in str(refused.value.failure.errors[0].error_code)


def _mutate_campaign(sdk: GoogleAdsClient) -> None:
    operation = sdk.get_type("CampaignOperation")
    operation.remove = f"customers/{US}/campaigns/1"
    sdk.get_service("CampaignService").mutate_campaigns(customer_id=US, operations=[operation])


def _mutate_anything(sdk: GoogleAdsClient) -> None:
    sdk.get_service("GoogleAdsService").mutate(customer_id=US, mutate_operations=[])


@pytest.mark.parametrize("change", [_mutate_campaign, _mutate_anything])
def test_a_mutating_call_is_recorded_and_refused(
    sdk: GoogleAdsClient, google: GoogleAdsServer, change: Callable[[GoogleAdsClient], None]
) -> None:
    with pytest.raises(GoogleAdsException) as refused:
        change(sdk)
    assert refused.value.error.code().name == "PERMISSION_DENIED"
    assert len(google.mutations) == 1
    assert "Mutate" in google.mutations[0].method
