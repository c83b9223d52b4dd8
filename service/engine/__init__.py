"""The engine: frozen weights, the batches that run them, and the scheduler of the batches' rows.

This room owns the steps, the queue before the rows and the sampler. Jobs come in from `hub`, whose
process alone imports this room. Drawn characters and end states go out.
"""
