"""The operations of services, and the rows that they answer with."""
