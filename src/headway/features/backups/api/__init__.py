"""The operations of backups, and the rows that they answer with."""
