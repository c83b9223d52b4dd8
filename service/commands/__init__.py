"""The commands of `python -m service`, one module each; `main(arguments)` returns the exit status."""
