"""The operations of git, and the rows that they answer with."""
