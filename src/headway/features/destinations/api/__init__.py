"""The operations of destinations, and the rows that they answer with."""
