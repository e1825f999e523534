"""A draft of a mapping of ads."""

from __future__ import annotations

import json
import re

from pipelines.sources.files.ads.mapping import PERIODS
from pipelines.sources.files.advice import total_word
from pipelines.sources.files.known import known_in
from pipelines.sources.files.look import TODO, Look, date_line, line, signs

_NUMBERS = ("impressions", "clicks", "cost", "conversions", "conversion_value")
# What columns of outcomes are called somewhere within their names, in the exports' languages. A
# column that has one of them is asked about: taken for absent, it would land as 0.
_OUTCOMES = {
    "conversions": re.compile(r"conv|konv|purchase|käufe|kauf|compra|achat|result|ergebnis", re.I),
    "conversion_value": re.compile(r"value|wert|valor|valeur|revenue|umsatz", re.I),
}


def drafted(look: Look, platform: str | None) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    columns = known_in(look.header, "ads")
    ads = "ad_id" in columns and "adgroup_id" in columns
    lines = [
        "# A draft. Correct every line that says TODO and check the others: docs/files.md explains",
        f"# each key. The file's columns: {', '.join(name for name in look.names if name)}",
        line("platform", platform or TODO),
        _text("account_id", columns.get("account_id")),
        f"time_zone: {TODO}  # the account's own, such as Europe/Berlin",
        _text("currency", columns.get("currency"), _currency(look)),
        f"level: {'ad' if ads else 'campaign'}  # what a row is: an ad or a campaign",
        *(line(key, value) for key, value in look.layout.items()),
        *signs(look, (columns[field] for field in _NUMBERS if field in columns)),
        *_totals(look),
        date_line(look, columns),
        *_grain(columns),
        "complete: true  # false: what the file doesn't hold of its days stays as it is published",
        "columns:",
    ]
    ids = ("campaign_id", "adgroup_id", "ad_id") if ads else ("campaign_id",)
    for field in (*ids, "impressions", "clicks", "cost"):
        lines.append(f"  {line(field, columns.get(field, TODO))}")
    lines += [f"  {_outcome(field, look, columns)}" for field in _OUTCOMES]
    names = [f for f in ("campaign", "adgroup", "ad") if f"{f}_name" in columns]
    if names:
        lines += ["names:", *(f"  {line(f, columns[f'{f}_name'])}" for f in names)]
    lines += ["status:", _status(look, columns.get("campaign_status"))]
    if ads:
        lines.append("  ad: {constant: ENABLED}")
    return "\n".join(lines) + "\n"


def _text(key: str, column: str | None, constant: str | None = None) -> str:
    if column is not None:
        return f"{key}: {{column: {json.dumps(column, ensure_ascii=False)}}}"
    return f"{key}: {{constant: {constant or TODO}}}"


def _outcome(field: str, look: Look, columns: dict[str, str]) -> str:
    """The line of conversions or their value: absent only where no column may be it."""
    if field in columns:
        return line(field, columns[field])
    others = [name for name in look.names if name not in columns.values()]
    near = [name for name in others if _OUTCOMES[field].search(name)]
    if near:
        return f"{field}: {TODO}  # or absent; is it one of these? {', '.join(near)}"
    return line(field, "absent")


def _currency(look: Look) -> str | None:
    """The code that Meta writes behind the names of amounts."""
    codes = {m[1] for name in look.names if (m := re.search(r" \(([A-Z]{3})\)$", name))}
    return codes.pop() if len(codes) == 1 else None


def _totals(look: Look) -> list[str]:
    for row in look.head[look.header_row :]:
        for name, cell in zip(look.names, row, strict=False):
            if name and (word := total_word(cell)):
                column = json.dumps(name, ensure_ascii=False)
                return ["leave_out:", f'  - {{column: {column}, starts_with: "{word}"}}']
    return []


def _grain(columns: dict[str, str]) -> list[str]:
    """What a row is, where its date's name says that it is no day."""
    grain = PERIODS.get(columns.get("date", "").lower())
    if grain is None:
        return []
    return [f"grain: {grain}  # better: export by day", "spread: evenly  # among its days"]


def _status(look: Look, column: str | None) -> str:
    if column is None:
        return "  campaign: {constant: ENABLED}  # or a column with its values"
    values = sorted({str(cell) for cell in look.cells(column)})
    listed = ", ".join(f"{json.dumps(v, ensure_ascii=False)}: {_state(v)}" for v in values)
    name = json.dumps(column, ensure_ascii=False)
    return f"  campaign: {{column: {name}, values: {{{listed}}}}}"


def _state(value: str) -> str:
    known = {
        **dict.fromkeys(("enabled", "active", "aktiv", "aktiviert"), "ENABLED"),
        **dict.fromkeys(("paused", "pausiert", "inactive", "inaktiv"), "PAUSED"),
        **dict.fromkeys(("removed", "deleted", "archived", "entfernt", "gelöscht"), "REMOVED"),
    }
    return known.get(value.strip().lower(), TODO)
