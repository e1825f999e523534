"""Scores an engine, on data you bring or against the sandbox's truth.

It reads and changes nothing; it is the one room beside the lab that may read that truth.
"""
