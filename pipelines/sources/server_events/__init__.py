"""First-party events: newline JSON or Parquet with a consent string.

No other platform's room may enter here.
"""
