"""Decision jobs: read marts, compute, and write contract tables with a verdict and its evidence.

A result is a function of its input rows: no source, landing or proposal may enter here.
"""
