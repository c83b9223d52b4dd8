"""The shares of one client in the routes that cost much, in one process."""
