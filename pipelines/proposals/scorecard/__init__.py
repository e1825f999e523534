"""What came of every proposal, and which jobs have lost their right to propose.

It reads the ledger and never writes to it: no decision and no kind may enter here.
"""
