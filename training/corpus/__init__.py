"""The corpus: its files, its symbols, and its split into what trains and what validates.

This room owns how texts are found, read in pieces and kept as ids on disk. Files, folders, URLs and
known names come in. A vocabulary and ids mapped into memory go out.
"""
