"""The operations of edge, and the rows that they answer with."""
