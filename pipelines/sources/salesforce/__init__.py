"""Salesforce: leads and opportunities by SOQL.

No other platform's room may enter here.
"""
