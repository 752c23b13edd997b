"""What runs inside a process that reads for a scan: takes paths line by line, answers with what
those files' bytes say.

Started by `reading_processes.py`. It decodes nothing, it only adds and hashes what it reads. When
the server is gone its standard input ends, and so does it.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from lvs.services.library.fingerprint import fingerprints

PRIORITY = (
    5  # lower than the server's, which shows pages; higher than that of those who look into films
)


def main() -> None:
    """Answers requests until standard input ends."""
    with suppress(OSError, AttributeError):
        os.nice(PRIORITY)
    with suppress(OSError):
        # If memory runs out, the system ends this process rather than the server.
        Path("/proc/self/oom_score_adj").write_text("1000")
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(
            json.dumps(fingerprints(map(bytes.fromhex, json.loads(line)))).encode() + b"\n"
        )
        sys.stdout.buffer.flush()
