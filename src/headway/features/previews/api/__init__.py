"""The operations of previews, and the rows that they answer with."""
