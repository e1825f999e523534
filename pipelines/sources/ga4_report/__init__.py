"""GA4's Data API: daily aggregates, with how exact they are.

No other platform's room may enter here.
"""
