"""What a generated text is: a deterministic stream of characters.

This room owns the resolved request, a sequence while the engine draws it, and a character's details.
Seed texts and sampling parameters come in from `api`, characters from `engine`. Pieces of text with
their details go out.
"""
