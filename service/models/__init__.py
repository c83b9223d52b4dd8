"""The models: the versions offered, the versions loaded, and their exactness on this machine.

This room owns the version of each reference and the engine of each version in use. References come in
from requests, versions from the model store. Loaded models go out.
"""
