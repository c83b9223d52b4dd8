"""The commands of `python -m service`, one file each: `main` takes arguments, returns a status."""
