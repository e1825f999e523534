"""Proof with Google's own SQL analyzer (ZetaSQL) that BigQuery takes what we send it.

Nothing here is mocked: the analyzer judges the statements that a BigQuery really was sent.
"""
