"""The HTTP layer: what speaks to the socket.

It knows no page, no template and no service but metrics.
"""
