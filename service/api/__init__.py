"""The requests and answers of the API: their schemas, and the meaning of a request.

This room owns the schemas of every route, charloom's own ones and OpenAI's. Parsed JSON comes in.
Generations with every default decided go out, and pieces of text in the shape of a client's schema.
"""
