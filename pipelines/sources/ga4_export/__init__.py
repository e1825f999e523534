"""GA4's BigQuery export: its daily files or its dataset.

No other platform's room may enter here.
"""
