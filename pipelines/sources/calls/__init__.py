"""How a platform is reached: HTTP, retries, quotas, files named by day.

No platform's own rules may enter here: a platform's room imports this one, never the reverse.
"""
