"""A SLURM of this machine alone, of Debian's slurm-wlm and munge, for the time of the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "sbatch")
SECONDS = 30.0

CONF = """
ClusterName=trialsmith
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 CoresPerSocket=4 RealMemory=2000 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES State=UP PriorityTier=1 GraceTime=20
PartitionName=high Nodes={host} State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> str | None:
    """Why no SLURM can be started here, or None."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"there is no {', '.join(absent)}: apt-get install slurm-wlm munge"
    return None if os.getuid() == 0 else "only root can start SLURM"


class Slurm:
    """One node with four CPUs; jobs of the partition `high` take the place of those of `low`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trialsmith-slurm-"))
        for name, mode in {"munge": 0o711, "state": 0o755, "spool": 0o755}.items():
            (self.folder / name).mkdir(mode=mode)
        self.folder.chmod(0o755)  # munge's socket must be within everybody's reach
        self.conf = self.folder / "slurm.conf"
        host = socket.gethostname().partition(".")[0]
        self.conf.write_text(CONF.format(host=host, folder=self.folder, ports=_free_ports(2)))
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        options = [f"--{name}={munge / file}" for name, file in files.items()]
        self._call("munged", "--force", *options, f"--seed-file={munge / 'seed'}")
        self._call("slurmctld", "-c")
        self._call("slurmd", "-c")
        deadline = time.monotonic() + SECONDS
        while "idle" not in self._call("sinfo", "-h", "-o", "%T"):
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.2)

    def jobs(self) -> list[str]:
        """Those that run."""
        return self._call("squeue", "-h", "-t", "R", "-o", "%i").split()

    def end(self) -> None:
        self._call("scancel", "--user=root")
        deadline = time.monotonic() + SECONDS
        while self._call("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.2)
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((self.folder / name).read_text()), signal.SIGTERM)
        time.sleep(0.5)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *words: str) -> str:
        path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
        environment = {**os.environ, "PATH": path, "SLURM_CONF": str(self.conf)}
        # a daemon would keep a pipe open for ever
        with (self.folder / "output").open("w+") as output:
            done = subprocess.run(
                [program, *words], env=environment, stdout=output, stderr=output, check=False
            )
            output.seek(0)
            said = output.read()
        assert done.returncode == 0, f"{program}: {said}\n{self._logs()}"
        return said

    def _logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
