"""The routes, one module for each blueprint."""
