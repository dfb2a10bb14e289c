"""The operations of notifications, and the rows that they answer with."""
