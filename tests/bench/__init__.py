"""Benchmarks, run by hand: `make bench`. Nothing here is a test, and pytest collects nothing."""
