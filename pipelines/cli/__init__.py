"""``adcanary …``: a file for each group of commands, thin over the rooms that do the work.

No room may import this one.
"""
