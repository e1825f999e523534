"""The best split of a budget over response curves, with a certificate that a small program checks.

A library for jobs, numbers in and whole amounts out: no warehouse and no job may enter.
"""
