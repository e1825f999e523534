"""A draft of a mapping of a list that people keep."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipelines.sources.files.known import known_in
from pipelines.sources.files.look import TODO, Look, day_formats, line, signs


def blocks_of(
    look: Look,
    table: str,
    fields: Sequence[str],
    choices: Sequence[str],
    numbers: Sequence[str],
) -> dict[str, list[str]]:
    """By top-level key, the lines of a list's mapping that its file has a say in.

    Args:
        fields: what ``columns`` may have; those that the file doesn't have are left out.
        choices: keys with a column or a constant; what the file doesn't have is for a person.
        numbers: those of the fields that are numbers.
    """
    known = known_in(look.header, table)
    columns = [f"  {line(field, known[field])}" for field in fields if field in known]
    formats = day_formats(look, known["start_date"]) if "start_date" in known else []
    chosen = {
        key: [f"{key}: {{column: {json.dumps(known[key], ensure_ascii=False)}}}"]
        if key in known
        else [f"{key}: {{constant: {TODO}}}"]
        for key in choices
    }
    return chosen | {
        "account_id": [f"account_id: {{constant: {TODO}}}"],
        "time_zone": [f"time_zone: {TODO}"],
        "dates": [line("dates", formats[0] if formats else TODO)],
        "columns": ["columns:", *columns],
        "strip": signs(look, (known[field] for field in numbers if field in known)),
    }
