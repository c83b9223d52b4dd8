"""What a worker of the service knows of the hub, and how the worker survives the hub.

This room owns the connection to the present hub, the engines that every hub is to have open, and the
orders without an end so far. The rest of the service gets an engine (`engine_client`), and the hub's
memory and counts (`shared_memory`, `client`).
"""
