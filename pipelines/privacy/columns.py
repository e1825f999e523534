"""Takes a person's data out of a table's columns before they are staged, whichever source they
came from.

sql/privacy/text_columns.yaml says which columns hold texts; the others hold ids.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipelines.contracts import Column, Contract
from pipelines.privacy.emails import SIGNS as ADDRESS_SIGNS
from pipelines.privacy.field_names import is_personal, names_an_id
from pipelines.privacy.redaction import EMAIL, SUSPICIOUS, redacted, without_emails
from pipelines.shipped import shipped

DECLARATION = shipped("sql") / "privacy" / "text_columns.yaml"
# RE2 knows the digits of other scripts by another name
_SUSPICIOUS = SUSPICIOUS.replace(r"\d", r"\p{Nd}")


def without_persons(
    values: pa.Array | pa.ChunkedArray, column: Column, contract: Contract
) -> pa.ChunkedArray:
    """A column of a contract as it may land: the same values, in the same type.

    Texts lose e-mail addresses and telephone numbers; an id that is an e-mail address becomes
    NULL where it may; of a list of fields (GA4's parameters) those about a person are left out.
    """
    texts = text_columns().get(contract.table, frozenset())
    in_key = column.name in contract.primary_key
    blotted = _Blotted(texts, nullable=column.nullable and not in_key)
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    cleaned = pa.chunked_array([blotted(chunk, column.name) for chunk in chunks], values.type)
    return _told_apart(values, cleaned) if in_key else cleaned


@cache
def text_columns() -> dict[str, frozenset[str]]:
    """By table, the paths of its columns that hold texts."""
    listed = yaml.safe_load(DECLARATION.read_text())["texts"]
    return {table: frozenset(paths) for table, paths in listed.items()}


class _Blotted:
    """Cleans arrays of one column."""

    def __init__(self, texts: frozenset[str], *, nullable: bool) -> None:
        self._texts, self._nullable = texts, nullable

    def __call__(self, values: pa.Array, path: str, ids: pa.Array | None = None) -> pa.Array:
        """``ids``: where the value is said to be an id; nowhere by default."""
        kind = values.type
        if pa.types.is_struct(kind):
            fields = [
                self(values.field(i), f"{path}.{kind.field(i).name}", ids)
                for i in range(kind.num_fields)
            ]
            return pa.StructArray.from_arrays(fields, fields=list(kind), mask=pc.is_null(values))
        if pa.types.is_list(kind):
            return self._of_list(values, path)
        if not pa.types.is_string(kind):
            return values
        if path not in self._texts:
            return _mapped(values, ADDRESS_SIGNS, _id if self._nullable else without_emails)
        cleaned = _mapped(values, _SUSPICIOUS, redacted)
        if ids is None or not pc.any(ids).as_py():
            return cleaned
        return pc.if_else(ids, _mapped(values, _SUSPICIOUS, partial(redacted, ids=True)), cleaned)

    def _of_list(self, lists: pa.ListArray, path: str) -> pa.ListArray:
        entries, parents, ids = lists.flatten(), pc.list_parent_indices(lists), None
        if pa.types.is_struct(entries.type) and entries.type.get_field_index("key") >= 0:
            keys = entries.field("key").dictionary_encode()
            names = [name or "" for name in keys.dictionary.to_pylist()]
            personal = pa.array(map(is_personal, names), pa.bool_())
            taken = pc.invert(pc.fill_null(personal.take(keys.indices), False))
            entries, parents = entries.filter(taken), parents.filter(taken)
            ids = pa.array(map(names_an_id, names), pa.bool_()).take(keys.indices).filter(taken)
            ids = pc.fill_null(ids, False)
        lengths = np.bincount(parents.to_numpy(zero_copy_only=False), minlength=len(lists))
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        return pa.ListArray.from_arrays(
            offsets, self(entries, path, ids), type=lists.type, mask=pc.is_null(lists)
        )


def _mapped(texts: pa.Array, suspicious: str, clean: Callable[[str], str | None]) -> pa.Array:
    """Texts, those that look like it cleaned; each different one is looked at once."""
    if not pc.any(pc.match_substring_regex(texts, suspicious)).as_py():
        return texts
    coded = texts.dictionary_encode()
    cleaned = [clean(text) for text in coded.dictionary.to_pylist()]
    return pa.array(cleaned, pa.string()).take(coded.indices)


def _id(text: str) -> str | None:
    """An id; None for what is an e-mail address."""
    return None if EMAIL in without_emails(text) else text


def _told_apart(before: pa.Array | pa.ChunkedArray, after: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of the grain: what became alike is numbered, so that two rows stay two."""
    pairs = pa.table({"before": before, "after": after}).group_by(["after", "before"]).aggregate([])
    alike: dict[str, list[str]] = {}
    for pair in pairs.to_pylist():
        alike.setdefault(pair["after"], []).append(pair["before"])
    numbered = {
        text: f"{blot} {number}"
        for blot, texts in alike.items()
        for number, text in enumerate(sorted(texts), start=1)
        if number > 1
    }
    if not numbered:
        return after
    coded = pc.dictionary_encode(before).combine_chunks()
    again = pa.array([numbered.get(text) for text in coded.dictionary.to_pylist()], pa.string())
    return pc.coalesce(pa.chunked_array([again.take(coded.indices)]), after)
