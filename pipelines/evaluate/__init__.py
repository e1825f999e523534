"""Scores an engine: on data that is brought along, or on the sandbox's truth.

It reads, prints and changes nothing; the one room beside the lab that may read that truth.
"""
