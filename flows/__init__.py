"""Prefect: what runs after what, when, and how often it is retried. One file per flow.

A task calls one function of a room in pipelines; a flow runs tasks in order, collects failures and
reports them. No driver and no data frame may enter here.
"""
