"""The system's Firefox without a window, driven over WebDriver BiDi (W3C working draft), which it
speaks by itself: no further program is needed, and no build of the browser but Debian's.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
NEEDS_FIREFOX = pytest.mark.skipif(
    FIREFOX is None or sys.platform != "linux",
    reason="no Firefox on this machine; Debian's package is called firefox-esr",
)
PATIENCE_S = 60
# Films may begin without a click, and nothing is asked of the maker's servers.
SETTINGS: dict[str, Any] = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.updateEnabled": False,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class FirefoxTab:
    """A tab, with those methods of Playwright's `Page` that `support.cinema` calls."""

    def __init__(self, port: int, base_url: str) -> None:
        self._base_url = base_url
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._wire = WSConnection(ConnectionType.CLIENT)
        host = f"127.0.0.1:{port}"
        self._socket.sendall(self._wire.send(Request(host=host, target="/session")))
        self._text = ""
        self._messages = self._received()
        assert next(self._messages) == {}  # it took the connection
        self._number = 0
        self.ask("session.new", capabilities={})
        self._tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **parameters: Any) -> Any:
        """Give a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.sendall(self._wire.send(TextMessage(data=json.dumps(message))))
        for answer in self._messages:
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("Firefox closed the connection")

    def _received(self) -> Iterator[dict[str, Any]]:
        while content := self._socket.recv(1 << 20):
            self._wire.receive_data(content)
            for event in self._wire.events():
                if isinstance(event, Ping):
                    self._socket.sendall(self._wire.send(event.response()))
                elif isinstance(event, AcceptConnection):
                    yield {}
                elif isinstance(event, CloseConnection):
                    return
                elif isinstance(event, TextMessage):
                    self._text += event.data
                    if event.message_finished:
                        whole, self._text = self._text, ""
                        yield json.loads(whole)

    def goto(self, path: str) -> None:
        """Open a page of the server and wait until it is loaded."""
        url = self._base_url + path
        self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Call a JavaScript function in the page. What it returns must be JSON, or nothing."""
        call = f"async () => JSON.stringify(await ({function})({json.dumps(argument)}))"
        answer = self.ask(
            "script.callFunction",
            functionDeclaration=call,
            awaitPromise=True,
            target={"context": self._tab},
        )
        assert answer["type"] == "success", answer
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Let time pass."""
        time.sleep(milliseconds / 1000)

    def close(self) -> None:
        """End the browser."""
        self.ask("browser.close")
        self._socket.close()


@contextmanager
def firefox(folder: Path, base_url: str) -> Iterator[FirefoxTab]:
    """A Firefox with a profile of its own in `folder`, which ends with the block."""
    profile = folder / "profile"
    profile.mkdir()
    settings = (f'user_pref("{name}", {json.dumps(value)});' for name, value in SETTINGS.items())
    (profile / "user.js").write_text("\n".join(settings))
    command = [str(FIREFOX), "--headless", "--remote-debugging-port=0", "--profile", str(profile)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    limit = threading.Timer(PATIENCE_S, process.kill)
    limit.start()
    assert process.stderr
    try:
        found = (re.search(r"ws://127\.0\.0\.1:(\d+)", line) for line in process.stderr)
        port = next(int(match[1]) for match in found if match)
        limit.cancel()
        reading = threading.Thread(target=process.stderr.read)  # a full pipe would hold it up
        reading.start()
        tab = FirefoxTab(port, base_url)
        yield tab
        tab.close()
        process.wait(PATIENCE_S)
        reading.join(PATIENCE_S)
    finally:
        limit.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()
