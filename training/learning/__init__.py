"""Learning: batches, steps, epochs, and the run on disk that survives an interruption.

This room owns the training loop and what a person watches of it. A text as ids, a configuration and
weights to begin with come in. A run with the weights and losses of its epochs goes out.
"""
