"""The closed loop: the real jobs and kinds decide for the simulated market, and are scored.

Truth goes into the market, the oracles and the scores; ``platform`` is given what was reported.
"""
