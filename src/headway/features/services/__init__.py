"""What can be deployed and serve: applications, compose services and databases."""
