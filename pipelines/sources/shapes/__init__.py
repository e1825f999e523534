"""What several platforms share of the raw tables' shape: ads reports and entities, CRM records.

No call and no platform's own rules may enter here.
"""
