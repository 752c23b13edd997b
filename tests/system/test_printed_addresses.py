"""Every address that LVS prints answers whoever comes by it, or is not printed, and it is said why.

In a network of its own, whose only interface has addresses of overlays and of the internet.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.home import distinct_video

# Starts LVS, asks it at each address it prints, and says what came of it.
INSIDE = r"""
import json, re, signal, subprocess, sys, urllib.error, urllib.request
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
lines = []
for line in process.stdout:
    lines.append(line.rstrip())
    if line.startswith("Stop it"):
        break
answers = {}
for address in re.findall(r"http://\S+", "\n".join(lines)):
    try:
        answers[address] = urllib.request.urlopen(address + "/ping", timeout=60).status
    except urllib.error.HTTPError as error:
        answers[address] = error.code
    except OSError as error:
        answers[address] = str(error)
process.send_signal(signal.SIGTERM)
print(json.dumps({"lines": lines, "answers": answers, "code": process.wait()}))
"""
NETWORK = ["unshare", "-U", "-r", "-n", "sh", "-c"]


def ask(folder: Path, addresses: list[str], host: str, **options: str) -> Any:
    library = folder / "films"
    library.mkdir()
    (library / "film.mp4").write_bytes(distinct_video())
    adding = [f"ip address add {each} dev lo nodad" for each in addresses if ":" in each]
    adding += [f"ip address add {each} dev lo" for each in addresses if ":" not in each]
    script = " && ".join(["ip link set lo up", *adding, 'exec "$@"'])
    serve = [sys.executable, "-m", "lvs", "serve", str(library), "--data", str(folder / "data")]
    ran = subprocess.run(
        [
            *(*NETWORK, script, "sh", sys.executable, "-c", INSIDE, *serve),
            *("--host", host, "--port", "8900", "--tls-port", "0"),
        ],
        env=processes.environment(folder, **options),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=processes.PATIENCE_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network")
@pytest.mark.parametrize(
    ("foreign", "host"),
    [
        ("100.64.0.1", "0.0.0.0"),
        ("100.127.255.254", "0.0.0.0"),
        ("2a01:4f8:1:2::5", "::"),
        ("203.0.113.9", "::"),
    ],
)
@pytest.mark.parametrize("password", ["", "a long password"])
def test_printed_addresses_answer_and_omitted_ones_are_explained(
    tmp_path: Path, foreign: str, host: str, password: str
) -> None:
    foreign_bits = "/128" if ":" in foreign else "/32"
    options = {"LVS_PASSWORD": password} if password else {}
    found = ask(tmp_path, ["192.168.7.1/32", foreign + foreign_bits], host, **options)
    answers, text = found["answers"], "\n".join(found["lines"])
    home = {address: code for address, code in answers.items() if ".local" not in address}
    assert set(home.values()) == {200}
    assert any("192.168.7.1" in address for address in home)
    assert any(foreign in address for address in home) == bool(password)
    assert (f"Not at {foreign}" in text) == (not password)
    assert "lvs password" in text or password
