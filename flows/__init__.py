"""Prefect: what runs after what, when, and how often it is tried again. One file for each flow.

A task calls one function of a room in pipelines; a flow sequences tasks, collects what failed and
reports it. No driver and no data frame may enter here.
"""
