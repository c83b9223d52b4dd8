"""The lecture's other systems, one command each, in code that follows the slides."""
