SELECT source, account_id, table_name, MAX(window_end) AS window_end, MAX(pulled_at) AS pulled_at
FROM raw.load_ledger
GROUP BY source, account_id, table_name
