"""Reads a CSV file that a person brings to ``adcanary evaluate``, as it is written: every cell a
text, every row as long as the first."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from pipelines.errors import InputError


def read_cells(path: Path, kept: str, *, has_header: bool = True) -> pa.Table:
    """All rows. The names of columns, and no cells, are stripped.

    Args:
        kept: what the refusal says is unchanged.
        has_header: whether the first line names the columns; they are f0, f1 … if not.

    Raises:
        InputError: there is no such file, it is no CSV in UTF-8, or a name is there twice.
    """

    def refusal(reason: str, fix: str) -> InputError:
        return InputError(f"{path} {reason}", kept=kept, fix=fix)

    # from open files: by its name's ending, pyarrow would unpack one
    numbered = csv.ReadOptions(autogenerate_column_names=True)
    parsed = csv.ParseOptions(newlines_in_values=True)
    try:
        with path.open("rb") as file:
            columns = csv.open_csv(file, read_options=numbered, parse_options=parsed).schema.names
        texts = csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
        )
        with path.open("rb") as file:
            table = csv.read_csv(file, numbered, parsed, texts)
    except FileNotFoundError:
        raise refusal("does not exist.", "Correct the path.") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise refusal(
            f"can't be read as CSV: {error}", "Save it as CSV in UTF-8, with a header."
        ) from error
    if not has_header:
        return table
    header, rows = table.slice(0, 1).to_pylist()[0], table.slice(1)
    names = [name.strip() for name in header.values()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise refusal(f"has the column {twice} twice.", "Keep one of them.")
    if len(names) == 1 and ";" in names[0]:
        raise refusal(
            "separates its columns by semicolons.", "Save it with commas, and points in numbers."
        )
    return rows.rename_columns(names)
