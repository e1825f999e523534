"""What the media mix reads beside spend: segments, controls, experiments; from hand-made rows."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from pipelines.build import build
from pipelines.config import JobsSettings, MmmSettings, Segment
from pipelines.warehouse import open_warehouse
from tests.wire.built_rows import Built, settings_in

pytestmark = pytest.mark.xdist_group("build")

SEGMENTS = (
    Segment(channel="meta_ads", name="brand", labels=("brand & more",)),
    Segment(channel="google_ads", name="brand", labels=("o'neill", "BRAND & MORE")),
    Segment(channel="google_ads", name="idle", name_contains=("\\", "ER R")),
    Segment(channel="google_ads", name="rest"),
    Segment(channel="meta_ads", name="prospecting", name_contains=("prospecting",)),
)


def test_segments_are_channels_and_before_its_launch_an_account_spent_nothing(
    built: Built, tmp_path: Path
) -> None:
    shutil.copy(built.settings.warehouse.path, tmp_path / "w.duckdb")
    mmm = MmmSettings(segments=SEGMENTS, launched={"meta_ads/m1": date(2025, 3, 17)})
    settings = settings_in(tmp_path).model_copy(update={"jobs": JobsSettings(mmm=mmm)})
    build(settings, select="dim_campaign mmm_input_weekly")
    warehouse = open_warehouse(settings)
    campaigns = warehouse.query("SELECT campaign_id, mmm_channel FROM marts.dim_campaign")
    assert {r["campaign_id"]: r["mmm_channel"] for r in campaigns.to_pylist()} == {
        "c1": "google_ads:brand",
        "c2": "google_ads:idle",
        "c9": "meta_ads",
    }
    weeks = warehouse.query(
        "SELECT channel, is_complete, spend_micros FROM marts.mmm_input_weekly "
        "ORDER BY channel, week_start"
    )
    assert [tuple(r.values()) for r in weeks.to_pylist()] == [
        ("google_ads:brand", True, 3_000_003),
        ("google_ads:brand", True, 5),
        ("meta_ads", True, 7),
        ("meta_ads", True, 0),
    ]


def test_what_has_come_back_is_a_control_of_its_own_and_other_events_are_one_by_kind(
    built: Built,
) -> None:
    rows = (
        open_warehouse(built.settings)
        .query("SELECT * FROM marts.mmm_controls_weekly ORDER BY name, week_start")
        .to_pylist()
    )
    by_name: dict[str, list[float]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row["value"])
    assert {len(values) for values in by_name.values()} == {15}
    assert rows[0]["week_start"] == date(2025, 3, 3)
    assert {name: values[:2] for name, values in by_name.items()} == {
        # Easter, in seven weeks, can be planned with
        "holiday": [0, 0],
        # one of the two has no intensity, so that neither's counts
        "other": pytest.approx([1 / 7, 2 / 7], abs=1e-9),
        "promotion:spring_sale": pytest.approx([3 * 0.2 / 7, (2 * 0.3 + 0.25) / 7], abs=1e-9),
        "stock_out": pytest.approx([0, 2 * 0.5 / 7], abs=1e-9),
    }
    assert by_name["holiday"][6] == pytest.approx(1 / 7, abs=1e-9)
    views = {r["name"]: (r["expected_sign"], r["known_in_advance"]) for r in rows}
    assert views["promotion:spring_sale"] == (1, True)
    assert views["stock_out"] == (-1, False)
    assert views["other"] == (None, True)


def test_an_experiment_is_told_by_weeks_and_in_the_reporting_currency(built: Built) -> None:
    rows = (
        open_warehouse(built.settings)
        .query(
            "SELECT experiment_id, first_week, last_week, last_counted_week, whole_weeks, "
            "spend_delta_micros, effect, standard_error, currency_code, geos "
            "FROM marts.experiments ORDER BY experiment_id",
        )
        .to_pylist()
    )
    first, second, third = date(2025, 3, 3), date(2025, 3, 10), date(2025, 3, 17)
    geos = "Oslo\nBergen"
    assert [tuple(r.values()) for r in rows] == [
        ("x", first, second, second, 1, -70, -4.0, 1.5, "USD", geos),
        # nobody knows what a euro was worth
        ("y", first, first, third, 0, None, None, None, "USD", geos),
    ]
