"""A real browser for tests: Debian's chromium without a window, driven over its own remote-debugging pipe.

Only what the tests need of the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/). Every
wait is for an event of the browser's and bounded; everything it writes lies below the folder it is given.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

SECONDS = 120
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--ignore-certificate-errors",  # the emulator's authority is nobody's
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # its own services are none of ours
)
_COMMANDS, _ANSWERS = 3, 4  # the descriptors that chromium reads and writes

Event = dict[str, Any]


class Browser:
    """One chromium; each ``page`` has cookies, clipboard rights and a proxy of its own."""

    def __init__(self, folder: Path) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # Out of the way of 3 and 4, which they become.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 64) for end in (commands, answers)]
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        words = [PROGRAM or "chromium", *_FLAGS, *root, f"--user-data-dir={folder}/profile", "about:blank"]
        log = (os.POSIX_SPAWN_OPEN, 2, f"{folder}/log", os.O_WRONLY | os.O_CREAT, 0o600)
        duplicates = [(os.POSIX_SPAWN_DUP2, ends[0], _COMMANDS), (os.POSIX_SPAWN_DUP2, ends[1], _ANSWERS)]
        environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": f"{folder}/config"}
        self._process = os.posix_spawn(
            words[0], words, environment, file_actions=[log, *duplicates], setpgroup=0
        )
        for end in (commands, answers, *ends):
            os.close(end)
        self._unread = b""
        self._last = 0
        self._waiting: list[Event] = []
        self.on: dict[str, Callable[[Event], None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._commands)  # the end of the pipe is the end of the browser
        os.close(self._answers)
        end = time.monotonic() + SECONDS
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.killpg(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)
                return
            select.select([], [], [], 0.02)

    def page(self, proxy: str | None = None) -> Page:
        """Open an empty page; all but loopback goes through ``proxy`` (host:port)."""
        through = {"proxyServer": proxy} if proxy else {}
        context = self.call("Target.createBrowserContext", **through)["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, context, session)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Run a command of the protocol; return its result."""
        self._last += 1
        number = self._last
        self.send(number, method, session, parameters)
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._take(message)

    def wait(self, method: str, session: str) -> Event:
        """Wait for an event, or take the oldest one that came."""
        while True:
            for event in self._waiting:
                if (event["method"], event.get("sessionId")) == (method, session):
                    self._waiting.remove(event)
                    return event
            self._take(self._next())

    def forget(self, method: str) -> None:
        """Drop the events that came."""
        self._waiting = [event for event in self._waiting if event["method"] != method]

    def send(self, number: int, method: str, session: str | None, parameters: Event) -> None:
        """Send a command without waiting for its result."""
        about = {"sessionId": session} if session else {}
        data = json.dumps({"id": number, "method": method, "params": parameters, **about}).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]

    def _take(self, message: Event) -> None:
        if "method" in message:
            self._waiting.append(message)
            if message["method"] in self.on:
                self.on[message["method"]](message)

    def _next(self) -> Event:
        while b"\0" not in self._unread:
            assert select.select([self._answers], [], [], SECONDS)[0], "chromium does not answer"
            data = os.read(self._answers, 1 << 20)
            assert data, "chromium is gone"
            self._unread += data
        message, _, self._unread = self._unread.partition(b"\0")
        event: Event = json.loads(message)
        return event


class Page:
    """A tab: ``open`` an address, look at it, ``click``."""

    def __init__(self, browser: Browser, context: str, session: str) -> None:
        self._browser = browser
        self._context = context
        self._session = session
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Run a command of the protocol on this page."""
        return self._browser.call(method, self._session, **parameters)

    def serve(self, answers: dict[str, str]) -> list[str]:
        """Answer these addresses (up to a question mark) with pages, anything else with an error; list what was asked."""
        asked: list[str] = []

        def answer(event: Event) -> None:
            url = event["params"]["request"]["url"]
            asked.append(url)
            page = answers.get(url.partition("?")[0].partition("#")[0])
            body = {"body": base64.b64encode((page or "").encode()).decode()}
            headers = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
            reply = {"responseCode": 200 if page is not None else 404, "responseHeaders": headers, **body}
            request = {"requestId": event["params"]["requestId"]}
            self._browser.send(0, "Fetch.fulfillRequest", self._session, {**request, **reply})

        self._browser.on["Fetch.requestPaused"] = answer
        self.call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        return asked

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self._browser.forget("Page.loadEventFired")
        self.call("Page.navigate", url=url)
        self.loaded()

    def loaded(self) -> None:
        """Wait until the next page is loaded."""
        self._browser.wait("Page.loadEventFired", self._session)

    def evaluate(self, script: str) -> Any:
        """Run a script as the person's own doing; return its value."""
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """Click with the mouse on what the selector finds first."""
        place = self.evaluate(
            f"(() => {{ const at = document.querySelector({json.dumps(selector)}); at.scrollIntoView();"
            " const box = at.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        self._browser.forget("Page.loadEventFired")
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def grant(self, origin: str, *permissions: str) -> None:
        """Let pages of the origin do these things without asking."""
        self._browser.call(
            "Browser.grantPermissions",
            origin=origin,
            permissions=list(permissions),
            browserContextId=self._context,
        )

    @property
    def text(self) -> str:
        """What a person reads."""
        return str(self.evaluate("document.body.innerText"))

    @property
    def complaints(self) -> list[str]:
        """What the browser's console said so far: refused by policy, failed scripts."""
        self.evaluate("0")
        waiting = [event for event in self._browser._waiting if event.get("sessionId") == self._session]
        logged = [
            event["params"]["entry"]["text"] for event in waiting if event["method"] == "Log.entryAdded"
        ]
        return logged + [
            str(each["params"]) for each in waiting if each["method"] == "Runtime.exceptionThrown"
        ]

    def close(self) -> None:
        """Forget everything of this page."""
        self._browser.on.clear()
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
