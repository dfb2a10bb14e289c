"""What services and machines use over time."""
