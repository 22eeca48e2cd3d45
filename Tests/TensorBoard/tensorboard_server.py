"""A TensorBoard server of one folder, and questions to it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

SECONDS = 120
PLUGINS = ["scalars", "histograms", "images", "text"]


class Server:
    """Starts `tensorboard` on a free port of this machine alone, and always ends it.

    `loader` is "true" for the loader written in Rust, which TensorBoard prefers, and "false" for the one in Python.
    """

    def __init__(self, folder, loader):
        self.loader = loader
        self.output = tempfile.TemporaryFile("w+")
        # Without a proxy, since the server is on this machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        # All points instead of a choice of them; in a process group of its own, which holds what it starts itself.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1", "--port", "0",
             f"--load_fast={loader}", "--reload_interval=1",
             "--samples_per_plugin=" + ",".join(f"{plugin}=100000" for plugin in PLUGINS)],
            stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True)

    def __str__(self):
        return f"server with the {'Rust' if self.loader == 'true' else 'Python'} loader"

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: terminated"))
        try:
            self.address = self.wait_for_address()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue

    def wait_for_address(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.output.seek(0)
            text = self.output.read()
            if found := re.search(r"http://127\.0\.0\.1:\d+/", text):
                return found.group()
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        sys.exit(f"error: {self} does not start:\n{text}")

    def get(self, path, **query):
        query = "?" + urllib.parse.urlencode(query) if query else ""
        with self.opener.open(f"{self.address}data/plugin/{path}{query}", timeout=60) as answer:
            return answer.read()

    def json(self, path, **query):
        """What a plugin answers; numbers that JSON does not know come as texts that `float` understands."""
        return json.loads(self.get(path, **query))

    def wait_for(self, is_loaded):
        """Waits until the server has loaded everything, which `is_loaded` tells."""
        end = time.monotonic() + SECONDS
        while not is_loaded():
            if time.monotonic() > end:
                sys.exit(f"error: {self}: after {SECONDS} s it shows {self.json('scalars/tags')} only")
            time.sleep(0.5)
