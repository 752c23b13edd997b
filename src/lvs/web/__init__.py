"""Reading of requests and building of answers."""
