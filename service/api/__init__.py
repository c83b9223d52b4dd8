"""What clients say and hear: the shapes on the wire, and what they mean.

This room owns the schemas of every route, of charloom's own form and of OpenAI's. Parsed JSON comes in.
Generations with every default decided go out, and pieces of text as a client's form wants them.
"""
