"""TikTok ads: reports and lists of the Business API.

No other platform's room may enter here.
"""
