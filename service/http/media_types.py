"""The media types of requests and responses."""

JSON, EVENTS, PROBLEM = "application/json", "text/event-stream", "application/problem+json"
JSON_LINES = "application/jsonl"
