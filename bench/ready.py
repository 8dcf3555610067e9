"""Our handler and the clients that every request needs: as much as the floor does."""

from cloudhsm_settings import clients
from cloudhsm_settings.handler import lambda_handler

__all__ = ["lambda_handler"]
clients.cloudhsm()
clients.dynamodb()
