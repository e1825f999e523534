"""A room for each platform: an account and a window in, Arrow batches out.

No storage may enter here (landing writes), and no mutate service of any ad SDK ever.
"""
