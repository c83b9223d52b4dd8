"""The cache of streams and of the states that have read a text.

This room owns how streams become bytes and where the bytes are kept: in Redis, or in memory. Streams
and states come in from `generation`. The longest known part of a stream or of a text goes out.
"""
