"""What counts as a table that is read by literal days."""

import pytest

from tests.conformance.analyzer import Analyzer
from tests.conformance.catalogue import from_contracts
from tests.conformance.statements import PROJECT

DAY = "date '2025-03-01'"


@pytest.mark.parametrize(
    ("sql", "by_days"),
    [
        ("select * from {t}", False),
        ("select * from {t} where order_date >= {d}", True),
        ("select * from {t} where order_date between {d} and {d} or order_date = {d}", True),
        ("select * from {t} where order_date >= {d} or order_id = currency_code", False),
        ("select * from {t} where order_date in (select max(order_date) from {t})", False),
        ("select * from {t} where currency_code = 'USD'", False),
        ("select * from {t} where false", True),
        ("select order_date as day from (select * from {t}) where order_date >= {d}", True),
        ("with o as (select * from {t}) select * from o where order_date >= {d}", True),
        ("with o as (select * from {t}) select * from o where order_date >= {d} "
         "union all select * from o", False),
        ("select * from (select order_date, count(*) as n from {t} group by order_date) "
         "where order_date >= {d}", True),
        ("select * from (select order_id, max(order_date) as last from {t} group by order_id) "
         "where last >= {d}", False),
        ("select * from (select *, row_number() over (order by order_id) as n from {t}) "
         "where order_date >= {d}", False),
        ("select * from (select *, row_number() over (partition by order_date order by order_id) "
         "as n from {t}) where order_date >= {d}", True),
        ("select l.order_id from unnest(['a']) as x left join {t} as l "
         "on l.order_id = x and l.order_date = {d}", True),
        ("select l.order_id from {t} as l left join unnest(['a']) as x "
         "on l.order_id = x and l.order_date = {d}", False),
        ("select l.order_id from {t} as l right join unnest(['a']) as x "
         "on l.order_id = x and l.order_date = {d}", True),
        ("select l.order_id from {t} as l full join unnest(['a']) as x "
         "on l.order_id = x and l.order_date = {d}", False),
    ],
)  # fmt: skip
def test_a_table_is_read_by_days_where_literals_reach_its_column(
    analyzer: Analyzer, sql: str, by_days: bool
) -> None:
    statement = sql.format(t="raw.orders", d=DAY)
    (analysis,) = analyzer.analyze(statement, from_contracts(PROJECT))
    assert analysis.reads
    assert all(days for _, days in analysis.reads) == by_days
