"""A draft from a ready mapping: its text, with what a file has other columns for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipelines.shipped import shipped
from pipelines.sources.files.look import TODO, Look, line


def drafted_from(name: str, look: Look, blocks: Mapping[str, Sequence[str]]) -> str:
    """The text of ``infra/mappings/<name>.yaml`` for a file.

    Args:
        look: what the file looks like; the keys of its layout that the text lacks are added.
        blocks: by top-level key, the lines that stand in the place of the text's, and of its
            comments in them.
    """
    text = (shipped("infra") / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")
    keys = {row.split(":")[0] for row in text.splitlines()}
    layout = [line(key, value) for key, value in look.layout.items() if key not in keys]
    first = [
        f"# A draft from infra/mappings/{name}.yaml. Correct every line that says {TODO} and check",
        "# the others: docs/files.md explains each key.",
    ]
    return "\n".join([*first, *_replaced(text.splitlines(), blocks, layout)]) + "\n"


def _replaced(
    rows: Iterable[str], blocks: Mapping[str, Sequence[str]], layout: Sequence[str]
) -> Iterator[str]:
    within = False
    for row in rows:
        if row and not row.startswith((" ", "#")):
            key = row.split(":")[0]
            within = key in blocks
            yield from blocks[key] if within else [row]
            if key == "platform":
                yield from layout
        elif not within or row.startswith("#"):
            yield row
