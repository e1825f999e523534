"""Exports of a shop's orders: what raw.orders is landed from.

No other table's room may enter here.
"""
