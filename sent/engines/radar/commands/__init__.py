"""`sent radar ...`: the groups of the command line."""
