"""Exports of ads by day: what the ads tables are landed from.

No other table's room may enter here.
"""
