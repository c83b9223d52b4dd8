"""The network in Keras: cells, recurrence, model and loss.

This room owns what is differentiated. A configuration comes in. A Keras model goes out whose state is
an explicit input and output.
"""
