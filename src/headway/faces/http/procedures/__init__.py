"""The procedures of the API, one file for each router."""
