"""A simulated market with known truth, served over the platforms' own protocols on loopback.

Only the CLI and tests may import this room, and nothing here serves the truth (truth.py).
"""
