"""The service: loads a frozen model and answers seed text + temperature with text."""
