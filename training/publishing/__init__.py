"""Publishing: from a run to a version in the model store, with its card, curves and baselines.

This room owns the files that describe a version, and the rule that moves the alias `production`. A
finished run comes in. A published version goes out, and comparisons of versions.
"""
