"""Meta's snapshots: settings of ad sets, what ads say and show, audiences."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from pipelines.image_store import ImageStore
from pipelines.sandbox.market.adsets import AUDIENCES, CART, CUSTOMERS, EU_SALES_VIDEO
from pipelines.sandbox.market.designs import design_of, image_of
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.meta_ads.rows import image_hash
from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.source_settings import MetaAdsSettings
from pipelines.sources.calls.retries import tried_once
from pipelines.sources.meta_ads.audiences import audience_rows
from pipelines.sources.meta_ads.creatives import ImageKeeper, Shown, shown_by
from pipelines.sources.meta_ads.entities import setting_rows
from pipelines.sources.meta_ads.source import MetaAdsSource
from tests.wire.contract_shape import assert_fits

US, EU = "act_100200300", "act_400500600"


def source_of(meta: MetaServer, images: str | None = None) -> MetaAdsSource:
    settings = MetaAdsSettings(accounts=(US, EU), graph_url=meta.url, images=images)
    return MetaAdsSource(settings, meta.access_token, backoff=0.01)


@pytest.fixture
def source(meta: MetaServer) -> MetaAdsSource:
    return source_of(meta)


def test_snapshot_has_what_each_ad_set_is_set_to(source: MetaAdsSource, meta: MetaServer) -> None:
    """Two days after an edit Meta learns anew; days are the account's, instants UTC."""
    _, settings, *_ = source.snapshot(EU, meta.clock.today)
    rows = {r["adgroup_id"]: r for r in settings.rows.to_pylist()}
    catalogue, video = rows["120210302000100"], rows[EU_SALES_VIDEO]
    assert (catalogue["learning_phase"], video["learning_phase"]) == ("LEARNED", "LEARNING")
    assert video["edited_at"] == datetime(2026, 6, 28, 12, tzinfo=UTC)
    assert video["starts_on"] == date(2026, 1, 1)
    assert video["countries"] == ["DE", "FR"]
    assert (video["audience_ids"], video["excluded_audience_ids"]) == ([], [CUSTOMERS])
    assert video["is_audience_expanded"] is True
    _, settings, *_ = source.snapshot(US, meta.clock.today)
    budgets = {r["campaign_id"]: r["daily_budget_micros"] for r in settings.rows.to_pylist()}
    assert list(budgets.values()) == [None, 45_000_000]  # the first keeps one on the campaign


def test_snapshot_has_what_ads_say_and_keeps_the_bytes_of_what_they_show(
    meta: MetaServer, market: Market, tmp_path: Path
) -> None:
    source = source_of(meta, images=str(tmp_path / "images"))
    *_, assets, _ = source.snapshot(US, meta.clock.today)
    assert_fits(assets)
    ads = [ad for campaign in market.account_campaigns(US) for ad in campaign.ads]
    rows = {(r["ad_id"], r["field"]): r for r in assets.rows.to_pylist()}
    assert len(rows) == assets.rows.num_rows == 5 * len(ads)
    ad, store = ads[0], ImageStore(tmp_path / "images")
    design = design_of(ad.ad_id)
    assert rows[ad.ad_id, "HEADLINE"]["text"] == design.headline
    assert rows[ad.ad_id, "BODY"]["text"] == design.body
    assert rows[ad.ad_id, "CALL_TO_ACTION"]["text"] == design.call_to_action
    assert store.read(rows[ad.ad_id, "IMAGE"]["image_sha256"]) == image_of(design)
    # what is kept isn't fetched again, and its name is as it was
    with httpx.Client() as client:
        assert client.get(f"{meta.url}/images/{'0' * 32}.jpg").status_code == 404
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "images").rglob("*")}
    *_, again, _ = source.snapshot(US, meta.clock.today)
    assert again.rows.equals(assets.rows)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "images").rglob("*")} == before


def test_snapshot_has_audiences_and_nobody_in_them(source: MetaAdsSource, meta: MetaServer) -> None:
    *_, audiences = source.snapshot(US, meta.clock.today)
    assert_fits(audiences)
    rows = {r["audience_id"]: r for r in audiences.rows.to_pylist()}
    assert set(rows) == {a.audience_id for a in AUDIENCES}
    assert (rows[CUSTOMERS]["kind"], rows[CUSTOMERS]["retention_days"]) == ("CUSTOM", None)
    assert (rows[CART]["retention_days"], rows[CART]["people_at_most"]) == (2, 3_740)
    assert rows[CART]["is_usable"] is True
    asked = audience_rows(source.account(US), [{"id": "1", "approximate_count_upper_bound": -1}])
    (sparse,) = asked.to_pylist()
    nulls = ("name", "kind", "retention_days", "people_at_least", "people_at_most", "is_usable")
    assert [sparse[name] for name in nulls] == [None] * 6


def test_without_a_folder_an_image_has_a_reason_instead_of_bytes(source: MetaAdsSource) -> None:
    *_, assets, _ = source.snapshot(US, date(2026, 7, 1))
    (image, *_) = [r for r in assets.rows.to_pylist() if r["field"] == "IMAGE"]
    assert image["image_sha256"] is None
    assert image["image_missing_because"] == "sources.meta_ads.images names no folder"


def test_an_image_that_cant_be_fetched_has_a_reason_and_the_others_are_kept(
    meta: MetaServer, tmp_path: Path
) -> None:
    good = f"{meta.url}/images/{image_hash('120210201000101')}.jpg"
    urls = {
        "good": good,
        "gone": f"{meta.url}/images/none.jpg",
        "elsewhere": "https://images.example.org/a.jpg",
        "unencrypted": "http://scontent.xx.fbcdn.net/a.jpg",
        "lookalike": "https://fbcdn.net.example.org/a.jpg",
    }
    keeper = ImageKeeper(ImageStore(tmp_path), meta.url, lambda hashes: urls)
    names = (*urls, "unlisted")
    with tried_once():
        kept = keeper.kept([Shown("IMAGE", image_hash=name) for name in names])
    reasons = {shown.image_hash: why for shown, (_, why) in kept.items()}
    assert reasons == {
        "good": None,
        "gone": "it can't be fetched: HTTP 404",
        "elsewhere": "its address is not one of Meta's",
        "unencrypted": "its address is not one of Meta's",
        "lookalike": "its address is not one of Meta's",
        "unlisted": "Meta doesn't list the image",
    }


def test_texts_stand_in_a_creative_in_its_post_or_among_those_meta_chooses_of() -> None:
    feed = {
        "titles": [{"text": "One"}, {"text": "Two"}],
        "bodies": [{"text": "Same"}],
        "call_to_action_types": ["SHOP_NOW"],
        "images": [{"hash": "a"}, {"hash": "b"}],
    }
    post = {"video_data": {"title": "Two", "message": "Same", "call_to_action": {"type": "BOOK"}}}
    both = shown_by({"asset_feed_spec": feed, "object_story_spec": post})
    assert [(s.field, s.text or s.image_hash) for s in both] == [
        ("HEADLINE", "One"),
        ("HEADLINE", "Two"),
        ("BODY", "Same"),
        ("CALL_TO_ACTION", "SHOP_NOW"),
        ("CALL_TO_ACTION", "BOOK"),
        ("IMAGE", "a"),
        ("IMAGE", "b"),
    ]
    (still,) = shown_by({"thumbnail_url": "https://x.fbcdn.net/v/t.jpg?oh=1"})
    assert still.url == "https://x.fbcdn.net/v/t.jpg?oh=1"
    assert shown_by({}) == []


def test_what_meta_leaves_out_of_an_ad_set_is_null(source: MetaAdsSource) -> None:
    sparse = [{"id": "1", "status": "ACTIVE", "campaign_id": "2"}]
    (row,) = setting_rows(source.account(US), sparse, date(2026, 6, 30)).to_pylist()
    assert (row["countries"], row["audience_ids"]) == ([], [])
    nulls = ("starts_on", "learning_phase", "edited_at", "is_audience_expanded", "age_min")
    assert [row[name] for name in nulls] == [None] * 5
