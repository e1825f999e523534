"""Calendars of promotions, holidays and the like: what raw.calendar_events is landed from.

No other table's room may enter here.
"""
