"""The way of one generation: cache, flight, cut, cache.

This room owns the flights, which are the streams being drawn now, and the place where a text ends.
Resolved generations come in from `http`. Pieces of text go out as they are drawn.
"""
