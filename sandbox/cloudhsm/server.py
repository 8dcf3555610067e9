"""moto's server with a CloudHSM v2 backend that has ModifyCluster and the real states."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import boto3
import botocore.session
from botocore import xform_name
from moto.cloudformation.models import cloudformation_backends
from moto.cloudhsmv2.responses import CloudHSMV2Response
from moto.core.exceptions import JsonRESTError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from sandbox.cloudhsm.fleet import CloudHsmError, Fleet

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAGE = 25
_CONDITIONAL = ("UpdateItem", "PutItem", "DeleteItem")
ACCOUNT = "123456789012"
"""moto's own."""
Hook = Callable[[str], None]
_serving: ContextVar[CloudHsmServer] = ContextVar("_serving")
"""Which of the servers of this process has the request: moto's classes are common to all."""
_DESCRIBE_STACKS = "POST /"
"""Its protocol has no name in the header, and the function calls nothing else in that protocol."""


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

    def create_cluster(self) -> str:
        return self._cluster(_fleet().create)

    def modify_cluster(self) -> str:
        return self._cluster(_fleet().modify)

    def delete_cluster(self) -> str:
        return self._cluster(_fleet().delete)

    def create_hsm(self) -> str:
        members = json.loads(self.body)
        return json.dumps({"Hsm": _answered(lambda: _fleet().create_hsm(members))})

    def delete_hsm(self) -> str:
        members = json.loads(self.body)
        return json.dumps({"HsmId": _answered(lambda: _fleet().delete_hsm(members))})

    def _cluster(self, carry_out: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
        members = json.loads(self.body)
        return json.dumps({"Cluster": _answered(lambda: carry_out(members))})


def _operations() -> list[str]:
    names: list[str] = botocore.session.get_session().get_service_model("cloudhsmv2").operation_names
    return names


def _refusal(operation: str) -> Callable[[object], str]:
    """What neither moto nor the fleet has: moto would answer with a page of HTML."""

    def refuse(_response: object) -> str:
        said = f"The local CloudHSM has no {operation}, see docs/local.md."
        raise JsonRESTError("CloudHsmInvalidRequestException", said)

    return refuse


def _fleet() -> Fleet:
    return _serving.get().fleet


def _answered(ask: Any) -> Any:
    try:
        return ask()
    except CloudHsmError as error:
        raise JsonRESTError(error.code, str(error)) from error


def _region_of(arn: str) -> str:
    return arn.split(":")[3]


class CloudHsmServer:
    """CloudHSM v2 (and the rest of moto) over HTTP on a free port of the loopback interface."""

    def __init__(self, fleet: Fleet | None = None, *, address: str = "127.0.0.1") -> None:
        """`address` is where it listens; another one lets containers of this machine in."""
        self.fleet = fleet or Fleet()
        self.before: Hook | None = None
        """Called with the name of each request before it is carried out."""
        self.after: Hook | None = None
        """Called with the name of each request after it was carried out, before it is answered."""
        self._later: list[str] = []
        self._stacks: list[Any] = []
        application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(address, 0, self._hooked(application), threaded=True)
        # moto checks a condition and writes in two steps, DynamoDB in one.
        self._one_at_a_time = threading.Lock()

    @property
    def endpoint(self) -> str:
        """URL for AWS_ENDPOINT_URL_CLOUDHSM_V2."""
        return f"http://{self._server.host}:{self._server.server_port}"

    def serve(self, fleet: Fleet) -> None:
        """Serves another fleet from now on."""
        self.fleet = fleet

    def set_stack_status(self, stack_id: str, status: str, *later: str) -> None:
        """Lets moto's DescribeStacks know one stack; `later` are its StackStatus after each answer."""
        stacks = cloudformation_backends[ACCOUNT][_region_of(stack_id)].stacks
        if not stacks:
            client = boto3.client(
                "cloudformation",
                endpoint_url=self.endpoint,
                region_name=_region_of(stack_id),
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
            client.create_stack(StackName="any", TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}')
        for stack in stacks.values():
            stack.stack_id, stack.status = stack_id, status
        self._later, self._stacks = list(later), list(stacks.values())

    def start(self) -> Self:
        """Begins to listen."""
        # moto resolves a response class by name, so the one it has learns our operations.
        for name, operation in vars(_FleetResponse).items():
            if callable(operation):
                setattr(CloudHSMV2Response, name, operation)
        for name in _operations():
            if not hasattr(CloudHSMV2Response, xform_name(name)):
                setattr(CloudHSMV2Response, xform_name(name), _refusal(name))
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def _hooked(self, application: WSGIApplication) -> WSGIApplication:
        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
            name = target or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            if self.before:
                self.before(name)
            _serving.set(self)
            with self._one_at_a_time if target in _CONDITIONAL else nullcontext():
                answer = application(environ, start_response)
            if name == _DESCRIBE_STACKS and self._later:
                status = self._later.pop(0)
                for stack in self._stacks:
                    stack.status = status
            if self.after:
                self.after(name)
            return answer

        return serve

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
