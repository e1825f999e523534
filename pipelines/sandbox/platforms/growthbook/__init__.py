"""GrowthBook, as the team behind the simulated market's site uses it.

No other platform's room may enter here.
"""
