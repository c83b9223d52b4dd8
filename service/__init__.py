"""The service: answers a seed text and a temperature with text from a frozen model."""

__version__ = "0.1.0"  # pyproject.toml reads the version from this line
