"""The one logger and the one metrics object."""

import logging

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "cloudhsm-cluster-settings"
NAMESPACE = "CloudHSMClusterSettings"

# Lambda takes a line without such a timestamp for INFO, whatever level it has:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
logger = Logger(service=SERVICE, utc=True, use_rfc3339=True)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

# At DEBUG these print whole requests, ResponseURL included, whatever level the root logger is given.
for _name in ("crhelper", "boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def count(outcome: str, times: int = 1) -> None:
    """Adds to the metric of an outcome."""
    metrics.add_metric(name=outcome, unit=MetricUnit.Count, value=times)
