"""The other systems of the lecture, each one command: a room for reading."""
