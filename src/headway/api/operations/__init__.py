"""The operations of the API, a file for each router, or several."""
