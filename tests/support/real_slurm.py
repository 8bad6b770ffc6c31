"""A Slurm of one node, this machine, that tests start and stop: Debian's slurmctld, slurmd, slurm-client and munge.

All of its files, keys and sockets are in one temporary folder, and its commands find it by SLURM_CONF, so that it has
nothing to do with a Slurm that is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sinfo", "sbatch", "scancel", "scontrol", "squeue")
_START_SECONDS = 30.0

_CONF = """\
ClusterName=exactfit
SlurmctldHost={host}
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
GresTypes=gpu
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=2
InactiveLimit=0
NodeName={host} CPUs={cpus} Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=500 Gres=gpu:a100:{gpus}
PartitionName=main Nodes={host} Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=endless Nodes={host} MaxTime=INFINITE State=UP
"""


class UnavailableError(Exception):
    """Slurm cannot be had here; the message says why."""


class RealSlurm:
    """A running Slurm.

    Attributes
    ----------
    folder
        Where all its files are.
    environment
        The variables by which its commands find it.
    cpus, gpus
        How many the node has; GPUs are names of /dev/null.
    """

    def __init__(self) -> None:
        lacking = [name for name in PROGRAMS if shutil.which(name) is None]
        if lacking:
            raise UnavailableError(f"not installed: {', '.join(lacking)}")
        if os.geteuid() != 0:
            raise UnavailableError("slurmd has to be started by root")
        self.cpus, self.gpus = len(os.sched_getaffinity(0)), 2
        if len(os.sched_getaffinity(0)) != os.cpu_count():
            raise UnavailableError("slurmd sees CPUs that this process may not use")
        self.folder = Path(tempfile.mkdtemp(prefix="exactfit-slurm-"))
        self.folder.chmod(0o755)
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start munged, slurmctld and slurmd, and wait for the node to be idle."""
        self._configure()
        key, munge = self.folder / "munge.key", self.folder / "munge"
        munge.mkdir(mode=0o700)
        subprocess.run(["mungekey", "-c", "-k", str(key)], check=True, capture_output=True)
        names = {"--socket": "munge.socket", "--key-file": "munge.key"}
        private = {"--pid-file": "pid", "--log-file": "log", "--seed-file": "seed"}
        options = [f"{option}={self.folder / name}" for option, name in names.items()]
        options += [f"{option}={munge / name}" for option, name in private.items()]
        self._run("munged", "--foreground", *options)
        self._wait("munged", lambda: (self.folder / "munge.socket").exists())
        self._run("slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        self._start_nodes()

    def _start_nodes(self) -> None:
        self._run("slurmd", "-D", "-f", self.environment["SLURM_CONF"])
        self._wait("slurmd", lambda: "idle" in self.command("sinfo", "-h", "-o", "%t"))

    def stop(self) -> None:
        """Cancel all jobs, stop the daemons and remove their files."""
        if len(self._daemons) >= 3:
            self.command("scancel", "--full", "--user=root")
            deadline = time.monotonic() + 10
            while self.command("squeue", "-h").strip() and time.monotonic() < deadline:
                time.sleep(0.2)
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words: str) -> str:
        """Return what a command of this Slurm prints."""
        env = {**os.environ, **self.environment}
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=30).stdout

    def _configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        devices = []
        for number in range(self.gpus):
            # Slurm grants only what is a device, takes its number from the name, and does not open it.
            device = self.folder / f"gpu{number}"
            device.symlink_to("/dev/null")
            devices.append(f"Name=gpu Type=a100 File={device}\n")
        (self.folder / "gres.conf").write_text("".join(devices))
        ports = free_ports(2)
        conf = _CONF.format(
            host=socket.gethostname().split(".")[0],
            folder=self.folder,
            controller_port=ports[0],
            node_port=ports[1],
            cpus=self.cpus,
            gpus=self.gpus,
        )
        (self.folder / "slurm.conf").write_text(conf)

    def _run(self, *words: str) -> None:
        env = {**os.environ, **self.environment}
        log = (self.folder / f"{words[0]}.out").open("wb")
        with log:
            daemon = subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)
        self._daemons.append(daemon)

    def _wait(self, name: str, ready: object) -> None:
        assert callable(ready)
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if time.monotonic() > deadline or self._daemons[-1].poll() is not None:
                said = (self.folder / f"{name}.out").read_text(errors="replace").strip().splitlines()
                raise UnavailableError(f"{name} does not start: {said[-1] if said else 'it says nothing'}")
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()
