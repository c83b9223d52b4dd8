"""The worker's side of the hub: a worker asks for texts, and goes on when a hub dies.

This room owns the connection to the present hub, the engines that every hub is to have open, and the
orders without an end so far. The rest of the service gets an engine (`engine_client`), and the hub's
memory and counts (`shared_memory`, `client`).
"""
