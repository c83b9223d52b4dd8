"""The engine: frozen weights, the batches that run them, and the scheduler of the batches' rows.

This room owns the engine's process, the scheduler and the sampler; the service's process imports
`client` and `messages` alone. Jobs and inspections come in over a socket. Drawn characters, end
states and readings go out.
"""
