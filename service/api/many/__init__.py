"""Requests for many texts at once: counted texts of one seed text, scores, and lines of requests."""
