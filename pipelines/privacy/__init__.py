"""What happens to a person's data: hashed at the door, exported, erased, expired.

Nothing here may store or log a raw value.
"""
