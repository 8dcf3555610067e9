"""moto's server with a CloudHSM v2 backend that has ModifyCluster and the real states."""

import json
import logging
from typing import Any, Self

from moto.cloudhsmv2.models import CloudHSMV2Backend
from moto.cloudhsmv2.responses import CloudHSMV2Response
from moto.core.exceptions import JsonRESTError
from moto.server import ThreadedMotoServer

from sandbox.cloudhsm.fleet import CloudHsmError, Fleet

_PAGE = 25


class _FleetResponse(CloudHSMV2Response):
    """The operations that the fleet answers; all others stay moto's."""

    def describe_clusters(self) -> str:
        members = json.loads(self.body)
        clusters = _answered(lambda: _fleet().describe(members))
        start = int(members.get("NextToken") or 0)
        end = start + min(members.get("MaxResults") or _PAGE, _PAGE)
        answer: dict[str, Any] = {"Clusters": clusters[start:end]}
        if end < len(clusters):
            answer["NextToken"] = str(end)
        return json.dumps(answer)

    def modify_cluster(self) -> str:
        members = json.loads(self.body)
        return json.dumps({"Cluster": _answered(lambda: _fleet().modify(members))})


def _fleet() -> Fleet:
    fleet = getattr(CloudHSMV2Backend, "fleet", None)
    if fleet is None:
        raise RuntimeError("No CloudHsmServer is running.")
    assert isinstance(fleet, Fleet)
    return fleet


def _answered(ask: Any) -> Any:
    try:
        return ask()
    except CloudHsmError as error:
        raise JsonRESTError(error.code, str(error)) from error


class CloudHsmServer:
    """CloudHSM v2 (and the rest of moto) over HTTP on a free port of the loopback interface."""

    def __init__(self, fleet: Fleet | None = None) -> None:
        self.fleet = fleet or Fleet()
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    @property
    def endpoint(self) -> str:
        """URL for AWS_ENDPOINT_URL_CLOUDHSM_V2."""
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def serve(self, fleet: Fleet) -> None:
        """Serves another fleet from now on."""
        self.fleet = fleet
        CloudHSMV2Backend.fleet = fleet  # type: ignore[attr-defined]

    def start(self) -> Self:
        """Begins to listen."""
        # moto resolves a response class by name, so the one it has learns our operations.
        for operation in ("describe_clusters", "modify_cluster"):
            setattr(CloudHSMV2Response, operation, getattr(_FleetResponse, operation))
        self.serve(self.fleet)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server.start()
        return self

    def stop(self) -> None:
        """Stops listening."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
