"""SKAdNetwork: postbacks as received, their signatures checked.

No other platform's room may enter here.
"""
