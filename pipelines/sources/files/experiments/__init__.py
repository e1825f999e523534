"""Lists of experiments on spend: what raw.experiments is landed from.

No other table's room may enter here.
"""
