"""Budgets of ad sets by rules that a person can read, and the state of each month's money.
Reads features and plans; never platforms, never other jobs' rooms."""
