"""An id of an ad platform has one spelling, and all of its digits."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts import load_contract
from pipelines.errors import AuditError, ConfigError
from pipelines.landing.audit import audit
from pipelines.landing.spool import spooled
from pipelines.platform_ids import canonical_id, rounded_ids
from pipelines.platforms import Level, platform_table
from pipelines.source_settings import GoogleAdsSettings, MetaAdsSettings
from tests.unit.campaign_rows import campaigns


@pytest.mark.parametrize(
    ("platform", "level", "written", "stored"),
    [
        ("google_ads", "account", "987-654-3210", "9876543210"),
        ("google_ads", "account", " 9876543210 ", "9876543210"),
        ("google_ads", "campaign", "21000000001", "21000000001"),
        ("meta_ads", "account", "10150000000000017", "act_10150000000000017"),
        ("meta_ads", "account", "ACT_10150000000000017", "act_10150000000000017"),
        ("linkedin_ads", "account", "urn:li:sponsoredAccount:507000009", "507000009"),
        ("linkedin_ads", "campaign", "urn:li:sponsoredCampaignGroup:61", "61"),
        ("linkedin_ads", "adgroup", "urn:li:sponsoredCampaign:62", "62"),
        ("linkedin_ads", "ad", "urn:li:sponsoredCreative:63", "63"),
        ("tiktok_ads", "ad", "1765432109876543210", "1765432109876543210"),
        ("reddit_ads", "account", "t2_9xYz", "t2_9xyz"),
        (
            "snapchat_ads",
            "campaign",
            "6A1C2F3E-0B4D-4E5F-8A9B-0C1D2E3F4A5B",
            "6a1c2f3e-0b4d-4e5f-8a9b-0c1d2e3f4a5b",
        ),
    ],
)
def test_every_spelling_of_an_id_is_stored_in_one(
    platform: str, level: Level, written: str, stored: str
) -> None:
    assert canonical_id(platform, level, written) == stored
    assert canonical_id(platform, level, stored) == stored


@pytest.mark.parametrize(
    ("platform", "level", "written"),
    [
        ("google_ads", "account", "987-65-43210"),
        ("google_ads", "account", "987654321"),
        ("google_ads", "campaign", "Spring sale"),
        ("google_ads", "campaign", "0"),
        ("google_ads", "campaign", "undefined"),
        ("meta_ads", "campaign", "act_1"),
        ("meta_ads", "account", "act_"),
        ("microsoft_ads", "account", "F1190XYZ"),
        ("linkedin_ads", "ad", "urn:li:sponsoredCampaign:62"),
        ("snapchat_ads", "ad", "6a1c2f3e"),
        ("linkedin_ads", "account", "urn:li:sponsoredAccount:0507000009"),
        ("pinterest_ads", "campaign", "626 744 528"),
        ("reddit_ads", "campaign", "Spring sale"),
    ],
)
def test_what_is_no_id_of_its_platform_is_refused_by_name(
    platform: str, level: Level, written: str
) -> None:
    with pytest.raises(ValueError, match=f"is no {level} id of {platform}"):
        canonical_id(platform, level, written)


@pytest.mark.parametrize("written", ["1.2021E+17", "1,2021e17", "901.0", "901.00", "1e5", "901."])
def test_an_id_that_a_spreadsheet_took_for_a_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="has not kept all of its digits"):
        canonical_id("meta_ads", "campaign", written)


@given(st.integers(min_value=1, max_value=10**18))
def test_a_number_is_stored_as_it_is_on_every_platform_of_numbers(number: int) -> None:
    for name, platform in platform_table().platforms.items():
        if platform.ids["campaign"].as_.startswith("digits"):
            assert canonical_id(name, "campaign", str(number)) == str(number)


def test_ids_that_all_end_in_zeros_after_fifteen_digits_were_rounded() -> None:
    assert rounded_ids({"120210987654321000"}) == ["120210987654321000"]
    assert rounded_ids({"1202109876543210", "1202109876543220"}) == []
    assert rounded_ids({"120210987654321000", "120210987654321001"}) == []
    assert rounded_ids({"901", "902"}) == []


def test_a_row_with_a_misspelt_id_is_set_aside_and_the_right_one_named() -> None:
    ids = [f"12021098765432{n}" for n in range(9)]
    batch = replace(campaigns([*ids, "1.2E+17"]), platform="meta_ads", account_id="act_1")
    assert isinstance(batch.rows, pa.Table)
    same = {"platform": "meta_ads", "account_id": "act_1"}
    for name, value in same.items():
        place = batch.rows.column_names.index(name)
        rows = batch.rows.set_column(place, name, pa.array([value] * 10))
        batch = replace(batch, rows=rows)
    with spooled(batch, load_contract(batch.table)) as spool:
        result = audit(spool, lambda: "the stage")
        assert (result.spool.rows, result.rejected.rows) == (9, 1)
        assert "campaign_id is as meta_ads spells ids: '1.2E+17'" in result.rejected.why[0]
    alone = replace(batch, rows=batch.rows.slice(9))
    with (
        spooled(alone, load_contract(batch.table)) as spool,
        pytest.raises(AuditError, match=r"spelling\(campaign_id\)"),
    ):
        audit(spool, lambda: "the stage")


def test_accounts_in_the_configuration_may_be_written_as_the_platforms_pages_do() -> None:
    google = GoogleAdsSettings(accounts=("987-654-3210",), login_customer_id="123-456-7890")
    assert (google.accounts, google.login_customer_id) == (("9876543210",), "1234567890")
    assert MetaAdsSettings(accounts=("17",)).accounts == ("act_17",)
    with pytest.raises(ValueError, match="ten digits"):
        GoogleAdsSettings(accounts=("17",))


def test_an_unknown_platform_has_no_ids() -> None:
    with pytest.raises(ConfigError, match="did you mean 'google_ads'"):
        canonical_id("google", "campaign", "1")
