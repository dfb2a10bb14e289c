"""What stands on the first page: what is under way, and what somebody should look at."""
