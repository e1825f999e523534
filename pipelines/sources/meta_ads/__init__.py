"""Meta ads: insights jobs and edges of the Graph API through the facebook-business SDK.

No other platform's room may enter here.
"""
