"""Prefect: what runs after what, when, and how often it is tried again. One file a flow.

No logic may enter here: a task calls one function of a room in pipelines.
"""
