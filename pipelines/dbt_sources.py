"""Writes dbt's sources as sql/contracts/raw declares them: ``make sources``."""

from __future__ import annotations

import json

from pipelines.contracts import Contract, load_contracts

# What the DDL doesn't say; how fresh a table has to be is in dbt_project.yml.
_HEAD = """\
# Generated from sql/contracts/raw by `make sources` (pipelines/dbt_sources.py): don't edit.
version: 2

sources:
  - name: raw
    description: Landed data, replaced slice by slice by `adcanary ingest`
    config:
      loaded_at_query: >-
        select max(published_at) from {{ this.schema }}.load_ledger
        where table_name = '{{ this.schema }}.{{ this.identifier }}'
    tables:
"""


def raw_sources() -> str:
    """dbt/models/sources/raw.yml: every landed table with its columns, in the DDL's words."""
    raw = (contract for contract in load_contracts().values() if contract.dataset == "raw")
    return _HEAD + "".join(_table(contract) for contract in raw)


def _table(contract: Contract) -> str:
    columns = "".join(
        f"          - {{ name: {column.name}, description: {_quoted(column.description)} }}\n"
        for column in contract.columns
    )
    return (
        f"      - name: {contract.name}\n"
        f"        description: {_quoted(contract.description)}\n"
        f"        columns:\n{columns}"
    )


def _quoted(text: str) -> str:
    """A text as YAML, of which JSON is a part."""
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    print(raw_sources(), end="")
