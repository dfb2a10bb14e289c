"""What can be deployed, each with its own kind of run."""
