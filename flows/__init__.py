"""Prefect: what runs after what, when, and how often it is retried. One file per flow.

A task calls one function of a room in pipelines; a flow runs tasks in order, collects failures and
reports them. No driver and no data frame may enter here.
"""

import os

# Nothing about a run leaves for Prefect's makers, nor is an error logged where it can't. Read when
# Prefect is imported, and by the server that a run without one starts.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
