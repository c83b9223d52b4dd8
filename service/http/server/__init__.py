"""The server: a worker of gunicorn that reads requests without threads, with limits of time and number."""
