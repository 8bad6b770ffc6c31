"""A Slurm of several nodes on this machine: a slurmd for each, which says that it is larger than it is."""

from __future__ import annotations

import os
import socket

from real_slurm import RealSlurm, UnavailableError, free_ports

NODES, GPUS = 4, 4

_CONF = """\
ClusterName=emulated
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
TopologyPlugin=topology/tree
SchedulerParameters=sched_interval=1,bf_interval=1
PriorityType=priority/multifactor
GresTypes=gpu
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=2
InactiveLimit=0
DefMemPerCPU=100
PartitionName=main Nodes=n[0-3] Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=small Nodes=n[0-1] MaxTime=1:00:00 MaxNodes=1 State=UP PriorityTier=10
"""
_NODE = (
    "NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=16 Sockets=2 CoresPerSocket=8 "
    "ThreadsPerCore=1 RealMemory=16000 Gres=gpu:a100:4 Feature={features}\n"
)


class EmulatedSlurm(RealSlurm):
    """Four nodes of two sockets of eight cores, four GPUs and 16,000 MiB, on two switches; n0 and n1 are fast."""

    def _configure(self) -> None:
        (self.folder / "state").mkdir()
        devices = []
        for number in range(GPUS):
            device = self.folder / f"gpu{number}"
            device.symlink_to("/dev/null")
            devices.append(f"Name=gpu Type=a100 File={device} Cores={'0-7' if number < GPUS // 2 else '8-15'}\n")
        (self.folder / "gres.conf").write_text("".join(devices))
        tiers = "SwitchName=s0 Nodes=n[0-1]\nSwitchName=s1 Nodes=n[2-3]\nSwitchName=top Switches=s[0-1]\n"
        (self.folder / "topology.conf").write_text(tiers)
        ports = free_ports(1 + NODES)
        host = socket.gethostname().split(".")[0]
        nodes = "".join(
            _NODE.format(number=n, host=host, port=ports[1 + n], features="fast,ib" if n < 2 else "slow")
            for n in range(NODES)
        )
        conf = _CONF.format(host=host, ports=ports, folder=self.folder)
        (self.folder / "slurm.conf").write_text(conf.replace("PartitionName", nodes + "PartitionName", 1))

    def _start_nodes(self) -> None:
        for number in range(NODES):
            self._run("slurmd", "-D", "-N", f"n{number}", "-f", self.environment["SLURM_CONF"])
        idle = f"{NODES} idle"
        self._wait("slurmd", lambda: idle in self.command("sinfo", "-h", "-p", "main", "-o", "%D %t"))

    def submit(self, *arguments: str) -> str:
        """Return the id of a job that sleeps, submitted with some arguments of sbatch."""
        said = self.command("sbatch", "--parsable", "-o", "/dev/null", *arguments, "--wrap", "sleep 600").split()
        if not said:
            raise UnavailableError(f"sbatch refuses {' '.join(arguments)}")
        return said[0]

    def use(self) -> None:
        """Let commands that are started without an environment find this Slurm."""
        os.environ.update(self.environment)
