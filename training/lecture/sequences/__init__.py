"""Shapes of tasks: both directions, encoder and decoder, deep networks."""
