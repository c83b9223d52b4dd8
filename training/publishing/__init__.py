"""Publishing: from a run to a version in the model store, with its card, curves and baselines.

This room owns what is written about a version and when the alias `production` moves. A finished run
comes in. A published version goes out, and comparisons of versions.
"""
