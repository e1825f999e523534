"""What happened: people, visits, orders, delivery, and the truth behind them.

No protocol may enter here; platforms and the lab read it.
"""
