"""adcanary's rooms, in the order data flows: sources, landing, warehouse, jobs, proposals.

Nothing here may import Prefect (flows/ does) or change a live campaign.
"""
