"""Measurements of servers over HTTP, and the clients and servers that they need."""
