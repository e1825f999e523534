"""From evidence to proposals that a person decides on: kinds, guardrails, ledger, states.

Jobs compute the evidence, which this room reads: no source and no landing may enter here.
"""
