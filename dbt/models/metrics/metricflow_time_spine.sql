-- Every day that a metric can be asked for: MetricFlow joins metrics of different tables on it.
select date_day
from (
  select cast('2015-01-01' as date) as first_day, cast('2034-12-31' as date) as last_day
) as span
cross join {{ day_series('first_day', 'last_day', 'date_day') }}
