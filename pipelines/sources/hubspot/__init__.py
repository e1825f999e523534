"""HubSpot: contacts and deals from the CRM's search API.

No other platform's room may enter here.
"""
