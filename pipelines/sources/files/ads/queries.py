"""What is asked of a file's typed rows (:class:`.RowsFile`), in DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.sources.files.ads.periods import SPREAD

# a row's number in the file, and the prefix of columns that the mapping does not name
ROW, DRIFT = "_row", "_drift_"
GRAIN = {
    "campaign": ("platform", "account_id", "date", "campaign_id"),
    "ad": ("platform", "account_id", "date", "campaign_id", "adgroup_id", "ad_id"),
}
_MIXED = ("currency_code", "time_zone", "attribution_window")
_WHERE = "WHERE account_id = ? AND date BETWEEN ? AND ?"

ACCOUNTS = "SELECT DISTINCT account_id FROM rows ORDER BY account_id"
SPAN = "SELECT MIN(date), MAX(date) FROM rows"
CURRENCY = "SELECT currency_code FROM rows WHERE account_id = ? ORDER BY _row LIMIT 1"
MIXED_CURRENCIES = """
SELECT account_id, date, LIST_SORT(LIST(DISTINCT currency_code)), MIN(_row)
FROM rows
GROUP BY account_id, date
HAVING COUNT(DISTINCT currency_code) > 1
ORDER BY date, account_id
LIMIT 1
"""
# the struct keeps a budget that is nothing: the last row's says that there is none
BUDGETS = """
SELECT
  last.platform, last.account_id, campaign_id, ?::DATE AS effective_from,
  last.daily_budget_micros, last.budget_id, last.currency_code, last.time_zone
FROM (
  SELECT
    campaign_id,
    ARG_MAX(
      STRUCT_PACK(
        platform, account_id, daily_budget_micros, budget_id, currency_code, time_zone
      ),
      STRUCT_PACK(date, _row)
    ) AS last
  FROM rows
  WHERE account_id = ?
  GROUP BY campaign_id
)
WHERE last.daily_budget_micros IS NOT NULL
ORDER BY campaign_id
"""


def dates(level: str) -> str:
    """The distinct days of each account, and of each of its campaigns or ads, in order."""
    rest = [column for column in GRAIN[level] if column != "date"]
    return f"""
    SELECT LIST_SORT(LIST(DISTINCT date)) FROM rows GROUP BY account_id
    UNION ALL
    SELECT LIST_SORT(LIST(DISTINCT date)) FROM rows GROUP BY {", ".join(rest)}
    """


def duplicates(level: str) -> str:
    """Keys that several rows have: first row, second, how many, and the key from its date on."""
    grain = GRAIN[level]
    return f"""
    SELECT MIN(_row), MIN(_row, 2)[2], COUNT(*), {", ".join(grain[2:])}
    FROM rows GROUP BY {", ".join(grain)} HAVING COUNT(*) > 1
    """


def as_they_are(level: str, columns: list[str], drift: Sequence[str] = ()) -> str:
    """The file's rows as those of the level's performance table, with the columns that the
    mapping does not name; for an account, from a day to a day.

    Args:
        drift: what those columns are to be called: ``_drift_0`` by the first, and so on. DuckDB
            doesn't tell capitals from small letters, so they have no names of their own here.
    """
    selected = [
        *GRAIN[level],
        *("impressions", "clicks", "cost_micros", "conversions", "conversion_value"),
        *_MIXED,
        f"{_hash(level, columns, 'name_' + level)} AS name_hash",
        f"status_{level} AS status",
        *_spread(columns),
        *(f"{DRIFT}{i} AS {_quoted(name)}" for i, name in enumerate(drift)),
    ]
    return f"SELECT {', '.join(selected)} FROM rows {_WHERE}"


def summed(level: str, columns: list[str]) -> str:
    """The file's rows summed to the grain of the level's performance table; for an account,
    from a day to a day."""
    grain = ", ".join(GRAIN[level])
    last = f"ARG_MAX(name_{level}, _row)"
    selected = [
        grain,
        *(f"SUM({c})::BIGINT AS {c}" for c in ("impressions", "clicks", "cost_micros")),
        *(f"FSUM({c}) AS {c}" for c in ("conversions", "conversion_value")),
        *(f"ARG_MAX({c}, _row) AS {c}" for c in _MIXED),
        f"{_hash(level, columns, last)} AS name_hash",
        f"ARG_MAX(status_{level}, _row) AS status",
        *(f"ARG_MAX({column}, _row) AS {column}" for column in _spread(columns)),
    ]
    return f"SELECT {', '.join(selected)} FROM rows {_WHERE} GROUP BY {grain} ORDER BY {grain}"


def entities(level: str) -> str:
    """One row a campaign, ad group or ad of an account, as of its last row."""
    parent = {"campaign": "NULL", "adgroup": "campaign_id", "ad": "adgroup_id"}[level]
    return f"""
    SELECT
      last.platform, last.account_id, '{level}' AS entity_type, {level}_id AS entity_id,
      last.parent_id, last.name, last.status
    FROM (
      SELECT
        {level}_id,
        ARG_MAX(
          STRUCT_PACK(
            platform, account_id, parent_id := {parent}::VARCHAR, name := name_{level},
            status := status_{level}
          ),
          STRUCT_PACK(date, _row)
        ) AS last
      FROM rows
      WHERE account_id = ?
      GROUP BY {level}_id
    )
    ORDER BY entity_id
    """


def _spread(columns: list[str]) -> list[str]:
    """The column that marks rows which were spread over days, if they were."""
    return [SPREAD] if SPREAD in columns else []


def _hash(level: str, columns: list[str], name: str) -> str:
    """As ``shapes.ads_tables.name_hash``: SHA-256 of the name, hex."""
    return f"SHA256({name})" if f"name_{level}" in columns else "NULL::VARCHAR"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
