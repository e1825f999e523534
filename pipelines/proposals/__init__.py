"""From evidence to proposals that a person decides on: policy, ledger, states.

Nothing here computes evidence (jobs do) and nothing can change a live campaign.
"""
