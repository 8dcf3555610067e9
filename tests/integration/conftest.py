import os
from collections.abc import Iterator

import boto3
import pytest
from moto.moto_api._internal import moto_api_backend

from cloudhsm_settings import clients
from sandbox.cloudhsm import Clock, CloudHsmServer, Fleet
from sandbox.receiver import Receiver
from sandbox.table import make_table
from sandbox.tls import Certificate, make_certificate
from tests.harness import GROUP, Harness, VirtualClock


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    made = make_certificate(tmp_path_factory.mktemp("tls"))
    os.environ["SSL_CERT_FILE"] = str(made.certificate)
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[CloudHsmServer]:
    with CloudHsmServer(Fleet()) as running:
        os.environ["AWS_ENDPOINT_URL"] = running.endpoint
        for client in (clients.cloudhsm, clients.dynamodb, clients.scheduler, clients.cloudformation):
            client.cache_clear()
        yield running
        del os.environ["AWS_ENDPOINT_URL"]


@pytest.fixture
def harness(server: CloudHsmServer, certificate: Certificate) -> Iterator[Harness]:
    moto_api_backend.reset()
    clock = VirtualClock()
    fleet = Fleet(Clock(source=clock))
    server.serve(fleet)
    with Receiver(certificate) as receiver:
        boto3.client("scheduler").create_schedule_group(Name=GROUP)
        make_table(boto3.client("dynamodb"))
        yield Harness(server, receiver, clock)
