"""The European Central Bank's reference rates, as the simulated market's accounts see it.

No other platform's room may enter here.
"""
