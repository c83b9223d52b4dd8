"""The sides of the comparisons, each in a process of its own.

TensorFlow's threads spin for a while after each call, and TensorFlow's allocator keeps its memory. So
no two sides share a process, and the parent, which measures HTTP, imports no side.
"""
