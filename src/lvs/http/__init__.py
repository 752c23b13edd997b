"""The HTTP layer: everything that works on sockets.

It knows no page, no template and no service except metrics.
"""
