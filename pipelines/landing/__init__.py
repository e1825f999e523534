"""Stage, audit, publish: the way of every batch from a source into raw, with the load ledger.

No platform's room may enter here: landing knows sources by their protocol alone.
"""
