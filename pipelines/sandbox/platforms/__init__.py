"""A room for each platform: its server or exports, its faults, its books.

Platforms show what the market's accounts would see; only the world imports them.
"""
