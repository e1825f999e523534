"""What happens to a person's data: hashed at the door, exported, erased, expired.

No landing, job or proposal may enter here, and no source into what hashes and redacts.
"""
