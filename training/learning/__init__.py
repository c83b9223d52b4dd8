"""Learning: batches, steps, epochs, and the run on disk that survives an interruption.

This room owns the training loop, its workers and its progress display. A text as ids, a configuration
and the first weights come in. A run with the weights and losses of its epochs goes out.
"""
