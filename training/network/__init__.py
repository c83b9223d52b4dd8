"""The network in Keras: cells, recurrence, model and loss.

This room owns the layers, their gradients and the loss. A configuration comes in. A Keras model goes
out whose state is an explicit input and output.
"""
