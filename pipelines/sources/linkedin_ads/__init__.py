"""LinkedIn ads: adAnalytics and finders of the Rest.li API.

No other platform's room may enter here.
"""
