"""The operations of settings, and the rows that they answer with."""
