"""The best split of a budget over response curves, with a certificate that a small program checks.

A library for jobs: numbers in, whole amounts out; no warehouse, no settings, no job may enter.
"""
