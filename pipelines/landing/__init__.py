"""Stage, audit, publish: the way of every batch from a source into raw, with the load ledger.

No platform's peculiarities may enter here (sources), and no model of the data (dbt).
"""
