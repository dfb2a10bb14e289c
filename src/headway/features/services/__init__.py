"""What services of every kind have in common."""
