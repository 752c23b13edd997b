"""How a request is read and an answer is put together."""
