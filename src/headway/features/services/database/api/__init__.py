"""The operations of database, and the rows that they answer with."""
