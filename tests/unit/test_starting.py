"""What a command needn't have, it doesn't wait for: imports are where they are used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.jobs.registry import JOBS
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.shipped_statements import shipped_statements
from pipelines.warehouse import transpile
from tests.unit.ledger_rows import two_channels
from tests.unit.ledgers import in_force, terms

pytestmark = pytest.mark.slow

NUMBERS = {"scipy", "pandas", "matplotlib", "sklearn", "jax", "great_expectations", "dbt"}
PARSER, SECRETS = {"sqlglot"}, {"pydantic_settings"}
WAREHOUSE = {"pyarrow", "duckdb", "numpy"} | PARSER
_RUN = """
import sys
from pipelines.cli.main import main
try:
    main()
finally:
    print("imported:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def imported(folder: Path, *command: str) -> tuple[str, set[str]]:
    """What a command prints, and the packages that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    shown, _, names = done.stdout.rpartition("imported: ")
    return shown, set(names.split())


@pytest.mark.parametrize("command", [["--help"], ["proposals", "--help"], ["lab", "--help"]])
def test_help_imports_no_warehouse_and_nothing_that_computes(
    tmp_path: Path, command: list[str]
) -> None:
    shown, packages = imported(tmp_path, *command)
    assert "Usage" in shown
    assert packages & (NUMBERS | WAREHOUSE) == set()


def test_a_list_of_jobs_imports_none_of_them(tmp_path: Path) -> None:
    shown, packages = imported(tmp_path, "job")
    assert shown.split() == list(JOBS)
    assert packages & (NUMBERS | WAREHOUSE) == set()


@pytest.mark.parametrize("name", JOBS)
def test_every_job_of_the_table_is_there_under_its_name(name: str) -> None:
    assert JOBS[name].name == name


def test_what_ships_transpiled_is_what_sqlglot_makes_of_it_now() -> None:
    shipped = (Path(transpile.__file__).parent / "shipped.json").read_text()
    assert shipped == shipped_statements(), "run `make statements`"


def test_a_list_of_proposals_imports_no_parser_and_nothing_that_computes(tmp_path: Path) -> None:
    ledger = Ledger(two_channels(tmp_path / "w.duckdb"), None)
    propose(ledger, in_force(ledger, terms()), created_by="carol")
    (tmp_path / "adcanary.yaml").write_text("warehouse: {kind: duckdb, path: w.duckdb}\n")
    shown, packages = imported(tmp_path, "proposals", "list")
    assert "PENDING_REVIEW" in shown
    assert "duckdb" in packages
    assert packages & (NUMBERS | PARSER | SECRETS) == set()
