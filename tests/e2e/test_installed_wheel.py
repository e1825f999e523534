"""A wheel, installed outside the checkout, needs nothing of the checkout and stays as it was."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("pipelines", "flows", "sql", "dbt", "expectations", "infra")
# What people's work leaves in a checkout; git ignores it, or it is a secret.
LEFT_BEHIND = ("dbt/target/manifest.json", "dbt/logs/dbt.log", "infra/terraform/terraform.tfstate")
EXPORT = """\
Date,ad_id,xyz_campaign_id,fb_campaign_id,Impressions,Clicks,Spent,Approved_Conversion
30-08-2023,1,916,103916,7350,10,1.25,1
31-08-2023,1,916,103916,7350,10,2.50,0
31-08-2023,2,936,103917,17861,20,4.00,2
"""


def _run(*command: str, cwd: Path, **environment: str) -> str:
    """What a command prints; it has to end with 0."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below a folder: its size and when it was last written."""
    stats = {str(p.relative_to(folder)): p.stat() for p in folder.rglob("*")}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


@pytest.fixture(scope="module")
def kept() -> list[str]:
    """What git keeps, or would, of the folders that the wheel carries; but what lint reads."""
    listing = ("ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS)
    paths = _run("git", *listing, cwd=ROOT).splitlines()
    return [p for p in paths if (ROOT / p).is_file() and not p.endswith(".sqlfluff")]


@pytest.fixture(scope="module")
def installed(kept: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as a wheel installs it, built without the network."""
    checkout = tmp_path_factory.mktemp("checkout")
    for path in [*kept, "pyproject.toml", "README.md", "LICENSE", ".gitignore"]:
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, checkout / path)
    for path in LEFT_BEHIND:
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text("left behind")
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    _run(
        *(sys.executable, "-m", "hatchling", "build", "--target", "wheel"),
        *("--directory", str(wheels)),
        cwd=checkout,
    )
    (wheel,) = wheels.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    shutil.rmtree(checkout)
    return site


@dataclass(frozen=True)
class Installation:
    """The installed package, and an empty folder to run it in."""

    site: Path
    folder: Path

    def python(self, *arguments: str) -> str:
        # Python would write its bytecode beside the modules
        environment = {"PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}
        return _run(sys.executable, *arguments, cwd=self.folder, **environment)

    def adcanary(self, *arguments: str) -> str:
        return self.python("-m", "pipelines.cli", *arguments)


@pytest.fixture
def installation(installed: Path, tmp_path: Path) -> Iterator[Installation]:
    before = _files(installed)
    yield Installation(installed, tmp_path)
    assert _files(installed) == before


def test_the_wheel_carries_what_git_keeps_and_nothing_else(
    installed: Path, kept: list[str]
) -> None:
    def in_wheel(path: str) -> str:
        is_package = path.startswith(("pipelines/", "flows/"))
        return path if is_package else f"pipelines/_shipped/{path}"

    carried = {str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file()}
    ours = {path for path in carried if ".dist-info/" not in path}
    assert ours == {in_wheel(path) for path in kept}


def test_an_installed_wheel_lands_and_builds_an_export_and_is_not_written_to(
    installation: Installation,
) -> None:
    imported = installation.python("-c", "import pipelines, flows; print(pipelines.__file__)")
    assert Path(imported.strip()) == installation.site / "pipelines" / "__init__.py"

    installation.adcanary("init")
    (installation.folder / "export.csv").write_text(EXPORT)
    mapping = installation.site / "pipelines/_shipped/infra/mappings/meta_kag.yaml"
    landed = installation.adcanary(
        *("ingest", "files", "--platform", "meta"),
        *("--path", "export.csv", "--mapping", str(mapping)),
    )
    assert "2 of 2 batches published" in landed
    assert "models built" in installation.adcanary("build")

    spend = "SELECT campaign_id, cost_micros FROM marts.fct_ad_spend_daily ORDER BY date, 1"
    rows = json.loads(installation.adcanary("query", spend, "--format", "json"))
    assert [(row["campaign_id"], row["cost_micros"]) for row in rows] == [
        ("916", 1_250_000),
        ("916", 2_500_000),
        ("936", 4_000_000),
    ]
