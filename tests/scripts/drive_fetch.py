"""Runs examples/fetch.py against a server of its own and presses its button: drive_fetch.py finish|close|fail."""

import http.server
import sys
import threading
from pathlib import Path

from qt import BINDING, QApplication, QTimer

(end,) = sys.argv[1:]
HALF = 200_000
goes_on = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if end == "fail" else 200)
        self.send_header("Content-Length", str(2 * HALF))
        self.end_headers()
        self.wfile.write(bytes(HALF))
        goes_on.wait(20)
        self.wfile.write(bytes(HALF))

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """The client has gone, which is what `close` and `fail` are about."""


def drive() -> None:
    (window,) = QApplication.topLevelWidgets()
    window.button.click()
    print("disabled:", not window.button.isEnabled())

    def watch() -> None:
        if end == "close" and window.bar.value() >= HALF:
            timer.stop()
            window.close()
            print("closed, enabled:", window.button.isEnabled())
        elif window.bar.value() >= HALF:
            goes_on.set()
        if window.button.isEnabled():
            timer.stop()
            print("received:", window.bar.value(), "of", window.bar.maximum())
            window.close()

    timer = window.timer = QTimer()
    timer.timeout.connect(watch)
    timer.start(10)


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
path = Path(__file__).parents[2] / "examples/fetch.py"
source = path.read_text(encoding="utf-8").replace("PySide6", BINDING)  # README shows PySide6's names.
lines = [
    f'URL = "http://127.0.0.1:{server.server_port}/"' if line[:6] == "URL = " else line for line in source.split("\n")
]
original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
try:
    exec(compile("\n".join(lines), str(path), "exec"), {"__name__": "__main__", "__file__": str(path)})
finally:
    goes_on.set()
    server.shutdown()
    server.server_close()
