"""The operations of application, and the rows that they answer with."""
