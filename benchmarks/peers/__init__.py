"""What is compared, each in a process of its own.

TensorFlow's threads keep spinning for a while after each call and its allocator keeps what it once
had, so no two sides share a process, and the parent that measures HTTP imports none of them.
"""
