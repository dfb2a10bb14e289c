"""The operations of access, and the rows that they answer with."""
