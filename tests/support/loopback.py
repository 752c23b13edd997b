"""httpx for servers on loopback.

httpx reads the certificates of the whole web for each client, which takes a tenth of a second of
processor time. A server on loopback has none, or one of its own, which tests give by `verify`.
"""

import ssl
from functools import partial

import httpx

_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=_NO_AUTHORITIES)
post = partial(httpx.post, verify=_NO_AUTHORITIES)
put = partial(httpx.put, verify=_NO_AUTHORITIES)
stream = partial(httpx.stream, verify=_NO_AUTHORITIES)
Client = partial(httpx.Client, verify=_NO_AUTHORITIES)
AsyncClient = partial(httpx.AsyncClient, verify=_NO_AUTHORITIES)
