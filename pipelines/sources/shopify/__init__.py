"""Shopify: orders and refunds by bulk operations of the GraphQL Admin API.

No other platform's room may enter here.
"""
