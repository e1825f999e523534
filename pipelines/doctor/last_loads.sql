SELECT source, account_id, table_name, run_id, schema_hash, pulled_at
FROM raw.load_ledger
WHERE TRUE
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY source, account_id, table_name ORDER BY pulled_at DESC, published_at DESC
  ) <= 2
ORDER BY pulled_at DESC, published_at DESC
