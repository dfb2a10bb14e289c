"""What applications refer to and share: ssh keys."""
