"""Reading of requests and composition of answers."""
