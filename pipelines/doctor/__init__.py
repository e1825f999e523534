"""What is wrong with an installation, before it shows: a check each, and what to do about it.

Nothing that changes anything may enter here, and nobody may import it but the command.
"""
