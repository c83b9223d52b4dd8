"""The models that answer: which versions are offered, loaded and exact on this machine.

This room owns what a reference means and the engines of the versions that references mean. Names come
in from requests, versions from the model store. Loaded models go out.
"""
