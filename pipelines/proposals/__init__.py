"""From evidence to proposals that a person decides on: kinds, guardrails, ledger, states.

Jobs compute the evidence, and this room reads it: no source and no landing may enter here.
"""
