"""The operations of rollbacks, and the rows that they answer with."""
