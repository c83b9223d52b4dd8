"""HTTP: the routes, and what happens around every one of them.

This room owns everything that knows Flask, besides the application itself. Requests come in. Answers,
error documents, headers, metrics and log lines go out.
"""
