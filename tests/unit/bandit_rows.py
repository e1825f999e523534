"""Columns of the marts that the bandits job reads."""

import pyarrow as pa

KEYS = ("platform", "account_id", "campaign_id", "adgroup_id", "ad_id")
ADS = pa.schema(
    [
        *((name, pa.string()) for name in (*KEYS, "finest_level", "reporting_currency_code")),
        ("date", pa.date32()),
        ("cost_reporting_micros", pa.int64()),
        ("conversions", pa.float64()),
    ]
)
LAGS = pa.schema(
    [
        ("date", pa.date32()),
        ("lag_days", pa.int64()),
        ("default_channel_group", pa.string()),
        ("last_non_direct_conversions", pa.int64()),
    ]
)
