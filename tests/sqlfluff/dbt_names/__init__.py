"""What models and macros have from dbt alone, for sqlfluff, which renders them without it.

Every public name here is one in Jinja (`library_path` in dbt/.sqlfluff), as while dbt reads a
project, when no statement is run, on BigQuery. What asks for `execute` first isn't here.
"""

import datetime as _datetime
import json as _json
import re as _re
from types import SimpleNamespace as _Names
from typing import Any as _Any

from jinja2 import pass_context as _pass_context
from jinja2.runtime import Context as _Context

from pipelines.build import dbt_variables as _dbt_variables
from pipelines.config import Settings as _Settings

_VARIABLES = _json.loads(_dbt_variables(_Settings()))


@_pass_context
def _dispatch(context: _Context, macro: str) -> _Any:
    """BigQuery's variant of a macro."""
    return context[f"bigquery__{macro}"]


def config(*_arguments: _Any, **_settings: _Any) -> str:
    return ""


def var(name: str, default: _Any = "") -> _Any:
    return _VARIABLES.get(name, default)


def is_incremental() -> bool:
    return False


execute = False
adapter = _Names(dispatch=_dispatch)
modules = _Names(datetime=_datetime, re=_re)
dbt = _Names(
    concat=" || ".join,
    date_trunc=lambda part, at: f"timestamp_trunc(cast({at} as timestamp), {part})",
    dateadd=lambda part, count, at: f"datetime_add({at}, interval {count} {part})",
    hash=lambda text: f"to_hex(md5(cast({text} as string)))",
    type_bigint=lambda: "int64",
    type_string=lambda: "string",
)
