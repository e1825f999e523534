"""Media plans, a line a flight of a campaign: what raw.media_plans is landed from.

No other table's room may enter here.
"""
