"""Git providers, SSH keys, and the repositories that services have through them."""
