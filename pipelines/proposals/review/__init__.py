"""The review page, where a person reads a proposal in a minute and decides on it.

It shows what the ledger and the jobs recorded: no source, landing or sandbox may enter here.
"""
