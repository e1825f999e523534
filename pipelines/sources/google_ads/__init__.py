"""Google Ads: GAQL over gRPC through the google-ads SDK.

No other platform's room may enter here.
"""
