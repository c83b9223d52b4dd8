"""HTTP: one blueprint for each noun."""
