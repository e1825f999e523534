"""The table of ad platforms: what is in it holds elsewhere, and what isn't is refused by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from pipelines import platforms
from pipelines.build import PROJECT
from pipelines.config import IdentitySettings, Settings
from pipelines.contracts import load_contracts
from pipelines.errors import ConfigError
from pipelines.jobs.pacing.job import PacingJob
from pipelines.platforms import CHANNELS, daily_cap, full_name, load_platforms, platform_table
from pipelines.privacy.declared import Kind, clicks_in, person_tables
from pipelines.sources.ga4_export import events
from pipelines.sources.hubspot import source as hubspot
from pipelines.sources.salesforce import source as salesforce
from pipelines.sources.server_events import fields
from pipelines.sources.shopify import orders

ROOMS = Path(__file__).parents[2] / "pipelines" / "sources"
MACROS = PROJECT / "macros" / "marketing"
TOY = """
platforms:
  toy_ads:
    channel: Paid Social
    click_ids: {toyclid: {paid: true}}
    sources: [toynet]
    daily_cap: [{since: 2024-01-01, times: 3.0, source: "a page of Toy's"}]
"""


def landed(table: str) -> set[str]:
    """The click ids that a raw table has columns for."""
    columns = {column.name for column in load_contracts()[table].columns}
    return columns & set(platform_table().click_ids)


def written(folder: Path, text: str) -> Path:
    path = folder / "platforms.yaml"
    path.write_text(text)
    return path


def test_every_source_of_ads_is_a_platform() -> None:
    rooms = {room.name for room in ROOMS.iterdir() if room.name.endswith("_ads")}
    assert rooms
    assert rooms <= set(platform_table().platforms)


def test_every_channel_is_one_that_the_models_call_bought() -> None:
    macro = (MACROS / "channels.sql").read_text().partition("macro paid_channels()")[2]
    listed = macro.partition("return([")[2].partition("])")[0]
    assert re.findall("'([^']+)'", listed) == list(CHANNELS)


@pytest.mark.parametrize(
    ("site", "its", "others"),
    [
        ("toynet", ["toynet"], ["toynet.com", "mytoynet", "toynets", "www.toynet"]),
        (
            "toy.net",
            ["toy.net", "m.toy.net", "a.b.toy.net"],
            ["toyxnet", "mytoy.net", "toy.net.xy"],
        ),
        (
            "toy.*",
            ["toy.com", "www.toy.de", "toy.co.uk", "toy.com.au"],
            ["toy", "mail.toy.com", "toy.shop", "toy.net.example", "toyx.com"],
        ),
    ],
)
def test_a_source_is_a_platforms_as_a_whole(
    tmp_path: Path, site: str, its: list[str], others: list[str]
) -> None:
    table = load_platforms(written(tmp_path, TOY.replace("toynet", f'"{site}"')))
    (pattern,) = table.platforms["toy_ads"].site_patterns
    assert [s for s in (*its, *others) if re.fullmatch(pattern, s)] == its
    # it goes into SQL of both engines as it is
    assert not set(pattern) & set("'\\")


def test_no_site_is_of_two_platforms() -> None:
    sites = [site for p in platform_table().platforms.values() for site in p.sources]
    assert len(sites) == len(set(sites))


def test_an_unknown_platform_is_refused_by_name_with_what_to_add() -> None:
    with pytest.raises(ConfigError) as raised:
        daily_cap("toy_ads", date(2026, 7, 1))
    assert raised.value.message.startswith("toy_ads: no ad platform of ")
    assert "add the platform to platforms.yaml" in str(raised.value)


def test_a_name_that_lacks_its_ending_is_known_or_hinted_at() -> None:
    assert full_name("meta") == full_name("meta_ads") == "meta_ads"
    assert "did you mean 'google_ads'?" in platform_table().problem(["google"])
    assert "did you mean 'tiktok_ads'?" in platform_table().problem(["tictoc_ads"])


def test_a_daily_cap_is_that_of_the_day() -> None:
    meta = [daily_cap("meta_ads", date(2022, 12, 31)), daily_cap("meta_ads", date(2023, 1, 1))]
    assert meta == [2.0, 1.75]
    # the earliest rule also holds before
    assert daily_cap("google_ads", date(2017, 10, 3)) == 2.0


def test_pacing_came_with_the_daily_caps_that_are_shipped() -> None:
    """Other caps belong to the settings of a run; give the method a new version with new ones."""
    assert PacingJob().settings(Settings()).daily_caps is None


def test_a_daily_cap_that_changes_makes_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = PacingJob().settings(Settings())
    monkeypatch.setattr("pipelines.platforms.FILE", written(tmp_path, TOY))
    changed = PacingJob().settings(Settings())
    assert changed.daily_caps == {"toy_ads": ((date(2024, 1, 1), 3.0, None, None),)}
    assert changed != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("channel:", "chanel:", "line 4: unknown key 'platforms.toy_ads.chanel' (did you mean"),
        ("    sources: [toynet]\n", "", "line 3: missing key 'platforms.toy_ads.sources'"),
        ("Paid Social", "Paid Sociable", "line 4: 'platforms.toy_ads.channel'"),
        ("[toynet]", '["(toy|net)"]', "line 6: 'platforms.toy_ads.sources.0'"),
        ("[toynet]", '["toy\'s"]', "line 6: 'platforms.toy_ads.sources.0'"),
        ("[toynet]", '["*.toynet"]', "line 6: 'platforms.toy_ads.sources.0'"),
        ("times: 3.0", "times: 0.5", "line 7: 'platforms.toy_ads.daily_cap.0.times'"),
        ("paid: true", "paid: false", "has a 'source'"),
        (
            "[{since",
            "[{since: 2025-01-01, times: 2, source: a page of Toy's}, {since",
            "daily_cap is in order of 'since'",
        ),
        ("  toy_ads:", "  Toy-Ads:", "line 3: 'platforms.Toy-Ads'"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in TOY
    with pytest.raises(ConfigError) as raised:
        load_platforms(written(tmp_path, TOY.replace(old, new, 1)))
    assert message in raised.value.message


def test_a_click_id_of_two_platforms_is_refused(tmp_path: Path) -> None:
    text = f"{TOY}other_click_ids: {{ToyClid: Toy's other network}}\n"
    with pytest.raises(ConfigError, match="click ids stand twice: toyclid"):
        load_platforms(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml can't be read"):
        load_platforms(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match=r"'platforms' occurs twice.*\n.*line 2"):
        load_platforms(written(tmp_path, "platforms: {}\nplatforms: {}\n"))


def test_a_click_of_another_channel_proves_no_platform() -> None:
    table = platform_table()
    assert table.platforms["google_ads"].proofs == ("gclid", "wbraid", "gbraid")
    assert table.click_ids["dclid"].channel == "Display"
    assert table.platforms["meta_ads"].proofs == ()


@pytest.mark.parametrize(
    ("table", "taken"),
    [
        ("raw.orders", orders.CLICK_IDS),
        ("raw.crm_leads", [*hubspot._TAGS]),
        ("raw.crm_leads", [*salesforce._TAGS]),
        ("raw.ga4_events", events.CLICK_IDS),
        ("raw.server_events", fields.CLICK_IDS),
    ],
)
def test_a_source_takes_the_click_ids_that_its_table_has_columns_for(
    table: str, taken: Sequence[str]
) -> None:
    assert {name for name in taken if not name.startswith("utm_")} == landed(table)


def test_every_landed_click_id_is_declared_a_persons() -> None:
    for table in load_contracts():
        if clicks := landed(table):
            declared = {c.path for c in person_tables()[table].columns if c.kind is Kind.CLICK}
            assert clicks <= declared, table
    declared = {
        c.path.rsplit(".", 1)[-1]
        for table in person_tables().values()
        for c in table.columns
        if c.kind is Kind.CLICK
    }
    assert declared <= {*platform_table().click_id_names, "click_id"}


def test_an_erasure_finds_every_click_id_in_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = platform_table().click_id_names
    assert {"gclid", "msclkid", "srsltid"} <= set(names)
    assert clicks_in("&".join(["https://s.example/?a=1", *(f"{n}=c-{n}" for n in names)])) == [
        f"c-{n}" for n in names
    ]
    monkeypatch.setattr(platforms, "FILE", written(tmp_path, TOY))
    assert clicks_in("https://s.example/?gclid=G&toyclid=T") == ["T"]


def test_limits_are_for_identifiers_that_the_identity_graph_has() -> None:
    table = platform_table()
    kinds = [name for name, click in table.click_ids.items() if click.identity]
    settings = IdentitySettings.model_validate({"limits": {k: {"devices": 2} for k in kinds}})
    assert set(settings.limits) == set(kinds)
    assert "msclkid" not in kinds
    with pytest.raises(ValueError, match="'msclkid' is no kind of identifier; there are device"):
        IdentitySettings.model_validate({"limits": {"msclkid": {"devices": 2}}})


@pytest.mark.parametrize("doc", ["node_type", "left_type"])
def test_the_analysts_dictionary_lists_the_click_ids_that_identify(doc: str) -> None:
    texts = "".join(p.read_text() for p in (PROJECT / "models").glob("columns*.md"))
    described = texts.partition(f"{{% docs {doc} %}}")[2].partition("{% enddocs %}")[0]
    listed = described.partition("an ad click (")[2].partition(")")[0].split(", ")
    clicks = platform_table().click_ids
    assert set(listed) == {name for name, click in clicks.items() if click.identity}
