"""The operations of servers, and the rows that they answer with."""
