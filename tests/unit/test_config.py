"""adcanary.yaml: what is wrong is said with its line, and nothing wrong is used."""

import shutil
from pathlib import Path

import pytest

from pipelines.config import load_settings
from pipelines.errors import ConfigError
from pipelines.policy_settings import PolicySettings
from pipelines.secret_settings import Secrets


def write(folder: Path, text: str) -> Path:
    path = folder / "adcanary.yaml"
    path.write_text(text)
    return path


def test_a_misspelt_key_is_named_with_its_line_and_the_right_one(tmp_path: Path) -> None:
    path = write(tmp_path, "reporting_time_zone: UTC\nwarehouse:\n  knd: duckdb\n")
    with pytest.raises(ConfigError, match=r"line 3: unknown key 'warehouse.knd' .*'kind'"):
        load_settings(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "sources:\n  shopify:\n    shop_id: s\n")
    with pytest.raises(ConfigError, match=r"line 2: missing key 'sources.shopify.time_zone'"):
        load_settings(path)


def test_a_time_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "reporting_time_zone: Europe/Berlln\n")
    with pytest.raises(ConfigError, match="'Europe/Berlln' is not an IANA time zone"):
        load_settings(path)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"looked at --config, then \$ADCANARY_CONFIG"):
        load_settings(tmp_path / "nowhere.yaml")


def test_text_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not YAML"):
        load_settings(write(tmp_path, "a: [1\nb: 2"))


def test_a_secret_in_the_file_is_an_unknown_key(tmp_path: Path) -> None:
    path = write(tmp_path, "sources:\n  meta_ads:\n    accounts: [act_1]\n    access_token: x\n")
    with pytest.raises(ConfigError, match=r"unknown key 'sources.meta_ads.access_token'"):
        load_settings(path)


def test_a_missing_secret_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADCANARY_HASH_SALT", raising=False)
    with pytest.raises(ConfigError, match="ADCANARY_HASH_SALT"):
        Secrets().require("hash_salt")


def test_a_fixed_clock_is_refused_on_a_real_bigquery_project(tmp_path: Path) -> None:
    path = write(
        tmp_path, "now: 2026-07-01T00:00:00Z\nwarehouse: {kind: bigquery, project: real}\n"
    )
    with pytest.raises(ConfigError, match="for simulated worlds"):
        load_settings(path)


def test_a_launch_is_of_a_platform_or_account_that_is_known(tmp_path: Path) -> None:
    good = "jobs: {mmm: {launched: {tiktok_ads: 2026-03-01, meta_ads/act_1: 2026-02-01}}}"
    assert len(load_settings(write(tmp_path, good)).jobs.mmm.launched or {}) == 2
    for name in ("tiktok_adz", "meta_ads/x'y", "meta_ads/"):
        with pytest.raises(ConfigError):
            load_settings(write(tmp_path, f'jobs: {{mmm: {{launched: {{"{name}": 2026-03-01}}}}}}'))


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ("[{channel: google_ads, name: Brand}]", "name"),
        ("[{channel: googel_ads, name: brand}]", "no ad platform"),
        ("[{channel: google_ads, name: a}, {channel: google_ads, name: a}]", "twice"),
        ("[{channel: google_ads, name: a}, {channel: google_ads, name: b}]", "takes all"),
    ],
    ids=["capital", "platform", "twice", "unreachable"],
)
def test_a_segment_that_no_campaign_could_be_of_is_refused(
    segments: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_settings(write(tmp_path, f"jobs: {{mmm: {{segments: {segments}}}}}"))


def test_a_plan_for_a_channel_that_is_not_there_is_refused_with_its_line(tmp_path: Path) -> None:
    text = "jobs:\n  mmm:\n    allocation:\n      channels: {google_adz: {floor: 8000}}\n"
    with pytest.raises(ConfigError, match="did you mean google_ads") as refusal:
        load_settings(write(tmp_path, text))
    assert "'google_adz' is no channel of the media mix" in refusal.value.message

    swapped = text.replace("google_adz: {floor: 8000}", "google_ads: {floor: 8, ceiling: 7.5}")
    with pytest.raises(ConfigError, match=r"line 4: .*floor \(8\) is over its ceiling \(7.5\)"):
        load_settings(write(tmp_path, swapped))


def test_the_plan_that_the_example_shows_is_valid(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / "infra" / "adcanary.example.yaml").read_text()
    block = example.partition("    # allocation:\n")[2].partition("    seed:")[0]
    plan = "".join(line.replace("# ", "", 1) for line in block.splitlines(keepends=True))
    text = f"jobs:\n  mmm:\n    allocation:\n{plan}"

    allocation = load_settings(write(tmp_path, text)).jobs.mmm.allocation
    assert allocation is not None
    assert set(allocation.named) == {"google_ads", "meta_ads", "tiktok_ads"}


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "warehouse: {path: data/x.duckdb}\n"))
    assert settings.warehouse.path == tmp_path / "data" / "x.duckdb"


def test_the_example_that_init_writes_is_valid(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "infra" / "adcanary.example.yaml"
    shutil.copy(example.parent / "policy" / "default.yaml", tmp_path / "policy.yaml")
    policy = load_settings(write(tmp_path, example.read_text())).policy
    assert policy == PolicySettings()


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "privacy:\n  event_retention_days: 8\n  event_retention_days: 50\n")
    with pytest.raises(ConfigError, match=r"(?s)'event_retention_days' occurs twice.*line 3"):
        load_settings(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "adcanary.yaml"
    path.write_bytes(b"reporting_time_zone: \xff")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_settings(path)
