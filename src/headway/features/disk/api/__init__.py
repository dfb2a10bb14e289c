"""The operations of disk, and the rows that they answer with."""
