"""The other servers of the comparison, each as a user would write it from its own documentation.

They run in an environment of their own, .venv/peers, and import nothing of charloom; `OneStep`, which
needs TensorFlow, runs in the environment of the benchmarks.
"""
