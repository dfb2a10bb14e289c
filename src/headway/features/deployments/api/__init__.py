"""The operations of deployments, and the rows that they answer with."""
