"""The European Central Bank's reference rates: SDMX as CSV.

No other platform's room may enter here.
"""
