"""Uplift: what a treatment changes, for whom, and how sure that is.

Reads exposures and outcomes of pseudonymous people; no name, address or raw id may enter.
"""
