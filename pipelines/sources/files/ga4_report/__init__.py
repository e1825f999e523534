"""Reports of GA4 as its web page downloads them: what raw.ga4_daily_report is landed from.

No other table's room may enter here.
"""
