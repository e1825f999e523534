"""The flows on a real Prefect server: one account down, the rest published."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows.ingest import AccountsFailed, ingest
from pipelines.warehouse.duckdb import DuckDBWarehouse

MAPPING = Path(__file__).parents[2] / "infra" / "mappings" / "meta_kag.yaml"
EXPORT = (
    "Date,ad_id,xyz_campaign_id,fb_campaign_id,age,gender,interest,Impressions,Clicks,Spent,"
    "Total_Conversion,Approved_Conversion\n"
    "17-08-2023,1,916,103916,30-34,M,15,7350,1,1.43,2,1\n"
)


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[None]:
    with (
        temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "results"}),
        prefect_test_harness(server_startup_timeout=60),
    ):
        yield


@pytest.mark.usefixtures("prefect")
def test_one_source_that_is_down_fails_by_name_and_the_others_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "export.csv").write_text(EXPORT)
    config = tmp_path / "adcanary.yaml"
    config.write_text(
        "sources:\n"
        "  shopify: {shop_id: s, url: 'http://127.0.0.1:9', time_zone: UTC}\n"
        f"  files: [{{platform: meta_ads, path: export.csv, mapping: {MAPPING}}}]\n"
    )
    monkeypatch.setenv("ADCANARY_SHOPIFY_TOKEN", "t")
    monkeypatch.setenv("ADCANARY_HASH_SALT", "s")
    with pytest.raises(AccountsFailed, match=r"^shopify/s: .*127\.0\.0\.1") as caught:
        ingest(config)
    assert "meta_ads" not in str(caught.value)
    rows = DuckDBWarehouse(tmp_path / ".adcanary" / "adcanary.duckdb").query(
        "SELECT cost_micros FROM raw.ads_campaign_performance"
    )
    assert rows.to_pylist() == [{"cost_micros": 1_430_000}]
