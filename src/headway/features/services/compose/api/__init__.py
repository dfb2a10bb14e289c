"""The operations of compose, and the rows that they answer with."""
