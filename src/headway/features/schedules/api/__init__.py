"""The operations of schedules, and the rows that they answer with."""
