"""Import files by which a person carries out recorded changes on a platform, a module a format.

Nothing that calls a platform may enter here.
"""
