"""The operations of containers, and the rows that they answer with."""
