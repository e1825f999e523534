"""Export files: CSV, Parquet or XLSX, as a mapping file describes them.

No other platform's room may enter here.
"""
