"""What listens to events or translates them, and is never called from below."""
