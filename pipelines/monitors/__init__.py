"""What the warehouse says after a day's work: questions that pass, warn or fail, and metrics.

Nothing that changes anything or asks a platform may enter here.
"""
