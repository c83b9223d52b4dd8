"""The cache of streams, and of states by the text that a state has consumed.

This room owns the layout of cached bytes and their store: Redis, or memory. Streams and states come
in from `generation`. The longest known part of a stream or of a text goes out.
"""
