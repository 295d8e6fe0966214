"""Decide how the tests run Apache Kafka: one node, broker and controller in one."""

from __future__ import annotations

import base64
import socket
import struct
import subprocess
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ._loopback import HOST, free_ports
from ._process import Server
from .get import kafka_jars

JAVA = ("java", "-XX:+UseSerialGC", "-XX:-UsePerfData")
START_SECONDS = 60.0  # about 3 on an idle machine


@dataclass(frozen=True, kw_only=True)
class Kafka:
    """A running broker.

    Attributes:
        bootstrap_servers: As clients take it, ``host:port``.
        server: The process, for tests that stop, kill or restart the broker.
    """

    bootstrap_servers: str
    server: Server

    def tool(self, main_class: str, *arguments: str, stdin: str = "") -> str:
        """Run one of Kafka's own command line tools; return what it printed."""
        at_broker = ("--bootstrap-server", self.bootstrap_servers)
        return java(main_class, *at_broker, *arguments, stdin=stdin)


@contextmanager
def running_kafka(folder: Path) -> Generator[Kafka]:
    """Run a broker on empty data in *folder*, which is gone afterwards."""
    port, controller_port = free_ports(2)
    settings = folder / "server.properties"
    settings.write_text(properties(folder, port, controller_port))
    format_storage(settings)
    command = (*JAVA, "-Xmx1g", f"-Djava.io.tmpdir={folder}", *quiet_log())
    server = Server(
        "kafka",
        [*command, "-cp", kafka_jars(), "kafka.Kafka", settings],
        folder=folder,
        answers=lambda: brokers_listed_by(port) > 0,
        start_seconds=START_SECONDS,
    )
    with server:
        yield Kafka(bootstrap_servers=f"{HOST}:{port}", server=server)


def properties(folder: Path, port: int, controller_port: int) -> str:
    """Return the settings of one node that is the whole cluster."""
    listeners = f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def quiet_log() -> tuple[str, ...]:
    """Return the options that log warnings and errors to the console, and no more."""
    return ("-Dorg.apache.logging.log4j.level=WARN",)


def format_storage(settings: Path) -> None:
    """Write the identity of a new cluster into the data folder that *settings* name."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    storage_tool = ("kafka.tools.StorageTool", "format", "--standalone")
    java(*storage_tool, f"--cluster-id={cluster}", "--config", str(settings))


def java(main_class: str, *arguments: str, stdin: str = "") -> str:
    """Run a program of Kafka's jars to its end; return what it printed.

    Raises:
        RuntimeError: It failed; the text is what it said.
    """
    # Only C1: these programs end before the optimizing compiler pays.
    command = [*JAVA, "-XX:TieredStopAtLevel=1", "-cp", kafka_jars(), main_class]
    result = subprocess.run(
        [*command, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    if result.returncode:
        said = f"{result.stdout}{result.stderr}"
        raise RuntimeError(f"{main_class} ended with {result.returncode}: {said}")
    return result.stdout


def brokers_listed_by(port: int) -> int:
    """Return how many brokers the one on *port* would send a client to.

    One exchange of the wire protocol, a metadata request for no topic: a broker that
    listens but has not joined its cluster yet lists none.
    """
    request = struct.pack(">hhihi", 3, 1, 0, -1, 0)
    with socket.create_connection((HOST, port), timeout=5.0) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb").read(12)
    if len(answer) < 12:
        return 0
    _length, _correlation, brokers = struct.unpack(">iii", answer)
    return int(brokers)
