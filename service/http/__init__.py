"""HTTP: the routes, and the steps around every route.

This room owns all code that imports Flask, besides the application itself. Requests come in. Responses,
problem documents, headers, metrics and log lines go out.
"""
