"""Budgets of ad sets by rules that a person can read, and the state of each month's money.

No platform, no other job, and no expression that isn't one of rule-engine's.
"""
