"""What went wrong in a tool, from what it printed: the line that says it, the likely cause, and the mend."""
