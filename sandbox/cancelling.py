"""What MiniStack's CloudFormation lacks: operations that are cancelled while a resource is in progress.

It runs inside MiniStack. CancelUpdateStack, and DeleteStack during a creation, end at once what is in progress. The
request in flight is not told, and its response comes to nothing. A resource whose creation was cancelled gets a Delete
with an id that CloudFormation makes up. A stack that is being updated cannot be deleted.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn--stack-update-cancel.html
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1814

What it cannot play: MiniStack brings resources about one after the other, so a neighbour never fails beside a resource
that is still in progress; and the request after a cancellation comes after the first invocation of the one before.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from secrets import choice
from string import ascii_uppercase, digits
from types import ModuleType
from typing import Any

from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    changesets,
    custom_resource,
    handlers,
    stacks,
    wait_conditions,
)

Require = Callable[[ModuleType, str], None]
Answer = tuple[int, dict[str, str], bytes]
_UPDATING = "UPDATE_"
_stack: ContextVar[str] = ContextVar("_stack", default="")
"""Id of the stack that the request of this thread belongs to."""
_in_progress: dict[str, set[str]] = defaultdict(set)
"""Tokens of the responses that each stack waits for."""
_cancelled_waits: set[tuple[str, str]] = set()
_deploying: Counter[str] = Counter()
_lock = threading.Lock()


def let_operations_be_cancelled(require: Require) -> None:
    """Adds all of it; `require` ends the process where MiniStack is another one."""
    for module, name in (
        (custom_resource, "invoke_custom_resource"),
        (custom_resource, "register_token"),
        (handlers, "_ACTION_HANDLERS"),
        (handlers, "_delete_stack_async"),
        (stacks, "_provision_keeping_seed"),
        (stacks, "_roll_back_operation"),
        (wait_conditions, "wait_for"),
        (wait_conditions, "_changed"),
        (wait_conditions, "_waiting"),
    ):
        require(module, name)
    _know_whose_requests_are_in_progress()
    _let_wait_conditions_be_cancelled()
    _follow_deployments()
    _cancel_on_demand()
    _delete_what_was_cancelled()


def _know_whose_requests_are_in_progress() -> None:
    invoke, register = custom_resource.invoke_custom_resource, custom_resource.register_token

    def invoke_for(
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        *rest: Any,
        **more: Any,
    ) -> Any:
        token = _stack.set(stack_id)
        try:
            return invoke(request_type, logical_id, props, stack_name, stack_id, *rest, **more)
        finally:
            _stack.reset(token)

    def register_for(token: str) -> threading.Event:
        event: threading.Event = register(token)
        with _lock:
            _in_progress[_stack.get()].add(token)
        return event

    custom_resource.invoke_custom_resource = invoke_for
    custom_resource.register_token = register_for


def _let_wait_conditions_be_cancelled() -> None:
    wait_for = wait_conditions.wait_for

    def wait(token: str, stack_id: str, stack_name: str, logical_id: str, *rest: Any) -> Any:
        try:
            return wait_for(token, stack_id, stack_name, logical_id, *rest)
        except RuntimeError:
            if (stack_id, logical_id) not in _cancelled_waits:
                raise
            _cancelled_waits.discard((stack_id, logical_id))
            wait_conditions._handles.get(token, {"signals": {}})["signals"].pop(_CANCELLATION, None)  # noqa: SLF001
            raise RuntimeError("Resource creation cancelled") from None

    wait_conditions.wait_for = wait


_CANCELLATION = "cancelled"
"""UniqueId of the signal that wakes a wait condition which is cancelled."""


def _cancel_what_is_in_progress(stack_id: str, reason: str) -> None:
    with _lock:
        tokens = _in_progress.pop(stack_id, set())
    for token in tokens:
        pending = custom_resource._pending.get(token)  # noqa: SLF001  # what has its response already is not cancelled
        if pending is not None and not pending["event"].is_set():
            custom_resource.deliver_response(token, {"Status": "FAILED", "Reason": reason})
    with wait_conditions._changed:  # noqa: SLF001  # its own lock
        for (owner, logical_id), waiter in wait_conditions._waiting.items():  # noqa: SLF001
            if owner == stack_id:
                _cancelled_waits.add((owner, logical_id))
                signal = {"Status": "FAILURE", "Reason": reason, "Data": ""}
                wait_conditions._handles[waiter["token"]]["signals"][_CANCELLATION] = signal  # noqa: SLF001
        wait_conditions._changed.notify_all()  # noqa: SLF001


def _follow_deployments() -> None:
    """Counts the deployments that run, for a deletion that has to wait for one."""
    deploy = stacks._deploy_stack_async  # noqa: SLF001

    async def followed(stack_name: str, stack_id: str, *rest: Any, **more: Any) -> None:
        _deploying[stack_id] += 1
        try:
            await deploy(stack_name, stack_id, *rest, **more)
        finally:
            _deploying[stack_id] -= 1
            with _lock:
                _in_progress.pop(stack_id, None)

    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = followed  # noqa: SLF001


def _cancel_on_demand() -> None:
    actions = handlers._ACTION_HANDLERS  # noqa: SLF001
    cancel_update, delete = actions["CancelUpdateStack"], actions["DeleteStack"]

    def resolved(parameters: dict[str, Any]) -> dict[str, Any]:
        name = handlers._p(parameters, "StackName")  # noqa: SLF001
        return (handlers._resolve_stack(name) if name else None) or {}  # noqa: SLF001

    def cancelling(parameters: dict[str, Any]) -> Answer:
        answer: Answer = cancel_update(parameters)
        if answer[0] == 200:
            _cancel_what_is_in_progress(resolved(parameters)["StackId"], "Resource update cancelled")
        return answer

    def deleting(parameters: dict[str, Any]) -> Answer:
        stack = resolved(parameters)
        status = stack.get("StackStatus", "")
        if status.startswith(_UPDATING) and status.endswith("IN_PROGRESS"):
            refusal = f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            refused: Answer = handlers._error("ValidationError", refusal)  # noqa: SLF001
            return refused
        answer: Answer = delete(parameters)
        if answer[0] == 200 and status == "CREATE_IN_PROGRESS":
            stack["_delete_requested"], stack["StackStatus"] = True, "DELETE_IN_PROGRESS"
            _cancel_what_is_in_progress(stack["StackId"], "Resource creation cancelled")
        return answer

    actions["CancelUpdateStack"], actions["DeleteStack"] = cancelling, deleting


def _delete_what_was_cancelled() -> None:
    roll_back, provision = stacks._roll_back_operation, stacks._provision_keeping_seed  # noqa: SLF001
    delete = handlers._delete_stack_async  # noqa: SLF001

    async def rolling_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], *rest: Any, **more: Any
    ) -> None:
        if stack.get("_delete_requested"):
            # The deletion takes what there is; it is no rollback.
            return
        operation["cancelled"] = operation.get("cancelled") or bool(stack.pop("_cancel_requested", False))
        await roll_back(stack_name, stack_id, stack, operation, *rest, **more)

    def providing(resource_type: str, logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        stack = handlers._resolve_stack(stack_name) or {}  # noqa: SLF001
        if stack.get("_delete_requested"):
            raise RuntimeError("Resource creation cancelled")
        try:
            return provision(resource_type, logical_id, properties, stack_name)
        except Exception:
            if stack.get("_delete_requested"):
                stack.setdefault("_resources", {})[logical_id] = {
                    "LogicalResourceId": logical_id,
                    "PhysicalResourceId": _made_up(stack_name, logical_id),
                    "ResourceType": resource_type,
                    "ResourceStatus": "CREATE_FAILED",
                    "Properties": properties,
                    "Attributes": {},
                }
            raise

    async def deleting(stack_name: str, stack_id: str, *rest: Any, **more: Any) -> None:
        while _deploying[stack_id]:
            await asyncio.sleep(0.02)
        await delete(stack_name, stack_id, *rest, **more)

    stacks._roll_back_operation, stacks._provision_keeping_seed = rolling_back, providing  # noqa: SLF001
    handlers._delete_stack_async = deleting  # noqa: SLF001


def _made_up(stack_name: str, logical_id: str) -> str:
    """A physical id such as CloudFormation makes one: "vault-Settings-1ABCDEFGHIJKL"."""
    return f"{stack_name}-{logical_id}-" + "".join(choice(ascii_uppercase + digits) for _ in range(13))
