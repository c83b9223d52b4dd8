"""The way of one generation: cache, drawing, cut, cache.

This room owns the drawing of new characters and the place where a text ends. Resolved generations come
in from `http`. Pieces of text go out as they are drawn.
"""
