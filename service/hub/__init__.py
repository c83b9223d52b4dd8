"""The hub: the one process that computes for all HTTP workers, and the workers' side of it.

This room owns the loaded engines, their queues, the flights, the cache in memory, and the counts of
clients. Orders come in from the workers over sockets that the workers hand to the hub. Characters,
states, values and counts go out.
"""
