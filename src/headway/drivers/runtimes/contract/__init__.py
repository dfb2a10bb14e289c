"""What every form of runtime is and does, and what all of them share."""
