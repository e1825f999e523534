"""GA4's BigQuery export, as the simulated market's accounts see it.

No other platform's room may enter here.
"""
