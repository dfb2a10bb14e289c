"""The operations of volume backups, and the rows that they answer with."""
