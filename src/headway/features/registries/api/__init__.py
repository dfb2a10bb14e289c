"""The operations of registries, and the rows that they answer with."""
