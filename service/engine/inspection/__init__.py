"""Inspections: what an engine holds and computes at each character of a text."""
