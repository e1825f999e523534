"""Audiences: mistakes in what ad sets are set to, each by name, with evidence and what to do.

No member of an audience, no platform and no other job; only ids, counts and money.
"""
