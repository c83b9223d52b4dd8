"""The engine: frozen weights, the batch that steps through them, and who runs in which row.

This room owns the engine's process, its scheduler and the sampler; the service's process imports
`client` and `messages` alone. Sequences to draw come in over a socket. Drawn characters, end states
and inspections go out.
"""
