"""Our handler and the client of CloudHSM alone: what is missing to `ready` is what the table costs at a start."""

from cloudhsm_settings import clients
from cloudhsm_settings.handler import lambda_handler

__all__ = ["lambda_handler"]
clients.cloudhsm()
