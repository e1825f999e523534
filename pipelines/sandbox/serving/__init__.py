"""What the platforms' servers share: loopback, the clock, faults by name, CRM records.

No platform's own protocol may enter here.
"""
