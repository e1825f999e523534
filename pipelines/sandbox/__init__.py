"""A simulated market with known truth, served over the platforms' own protocols on loopback.

Only the command line and tests may import this room.
"""
