"""The operations of webhooks, and the rows that they answer with."""
