"""The operations of projects, and the rows that they answer with."""
