"""A real Facebook export, from the file to what it can't support."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MAPPING = Path(__file__).parents[2] / "infra" / "mappings" / "meta_kag.yaml"

pytestmark = pytest.mark.data


def test_the_real_export_is_landed_modelled_and_refused_in_words(
    shared_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "adcanary.yaml").write_text("reporting_time_zone: UTC\npolicy: policy.yaml\n")
    (tmp_path / "policy.yaml").write_text("people: {admins: [ada]}\n")

    def adcanary(*arguments: str) -> str:
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    export = shared_data / "meta_ads_kag.csv"
    landed = adcanary(
        *("ingest", "files", "--platform", "meta"),
        *("--path", str(export), "--mapping", str(MAPPING)),
    )
    assert "2 of 2 batches published" in landed
    adcanary("build")
    spend = "SELECT CAST(SUM(cost_micros) AS INT64) AS micros FROM marts.fct_ad_spend_daily"
    # the export's float artefacts, each rounded to the micro
    assert json.loads(adcanary("query", spend, "--format", "json")) == [{"micros": 58705229957}]
    assert "2023-08-31" in adcanary("job", "pacing")
    assert "NO_DATA" in adcanary("job", "mmm")
    assert "admins: ada" in adcanary("policy", "set", "--as", "ada")
    proposed = adcanary("propose")
    assert "0 new" in proposed
    assert "Refused: mmm is NO_DATA" in proposed
