"""An SFTP server for tests, on the loopback interface: `python sftp_server.py PORT ROOT HOSTKEY
USERKEY.pub [ADDRESS]`.
"""

import asyncio
import os
import sys

import asyncssh


async def main() -> None:
    """Serve until killed; says `ready` once it does."""
    port, root, host_key, user_key, *address = sys.argv[1:]

    def server(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(root))

    await asyncssh.create_server(
        asyncssh.SSHServer,
        address[0] if address else "127.0.0.1",
        int(port),
        server_host_keys=[host_key],
        authorized_client_keys=user_key,
        sftp_factory=server,
    )
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
