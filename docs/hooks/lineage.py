"""Has dbt write its page of the models' lineage, without a warehouse, where the site takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.build import PROJECT, dbt_environment, dbt_variables
from pipelines.config import Settings

FOLDER = Path(__file__).parents[2] / ".adcanary" / "dbt-docs"


def main() -> None:
    """Parse the project and write ``static_index.html``; nothing is compiled or asked."""
    settings = Settings()
    where = (f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}")
    kept = (f"--target-path={FOLDER}", f"--log-path={FOLDER}", "--quiet")
    for command in (
        ("parse",),
        ("docs", "generate", "--static", "--empty-catalog", "--no-compile"),
    ):
        subprocess.run(
            [
                *(sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"),
                *(*command, f"--vars={dbt_variables(settings)}", *where, *kept),
            ],
            env=dbt_environment(settings),
            check=True,
        )


if __name__ == "__main__":
    main()
