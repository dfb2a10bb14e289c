"""What is to be done to build and start a repository: seen in its files, set by its owner, and told with reasons."""
