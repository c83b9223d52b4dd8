"""Generated text: a deterministic stream of characters.

This room owns the resolved request, the automaton of a pattern, the sequence that an engine draws,
and a character's details.
Seed texts and sampling parameters come in from `api`, characters from `engine`. Pieces of text with
their details go out.
"""
