"""Names and messages in the Markdown of artifacts: text, and nothing that Markdown would act on."""

from __future__ import annotations

import re

from pipelines.plain_text import one_line

_MARKS = re.compile(r"[\\`*_\[\]<>|#~&$!@]|(?<=[A-Za-z]):(?=//)|(?<=[wW])\.")


def text(value: str) -> str:
    """The value as Markdown shows it letter by letter, on one line.

    Marks are escaped, also those of tables, formulas, HTML and addresses that would become links.
    """
    return _MARKS.sub(lambda match: f"\\{match[0]}", one_line(value))
