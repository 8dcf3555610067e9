"""A CloudHSM v2 that behaves as the service does, served by moto."""

from sandbox.cloudhsm.clock import Clock
from sandbox.cloudhsm.faults import Fault
from sandbox.cloudhsm.fleet import Call, CloudHsmError, Fleet
from sandbox.cloudhsm.model import MigrationOutcome, SandboxCluster, SandboxHsm
from sandbox.cloudhsm.server import CloudHsmServer

__all__ = [
    "Call",
    "Clock",
    "CloudHsmError",
    "CloudHsmServer",
    "Fault",
    "Fleet",
    "MigrationOutcome",
    "SandboxCluster",
    "SandboxHsm",
]
