"""GrowthBook: experiments on the site as they are defined there, from its REST API.

No other platform's room may enter here.
"""
