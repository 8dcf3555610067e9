"""The one logger and the one metrics object."""

import logging

from aws_lambda_powertools import Logger, Metrics

SERVICE = "cloudhsm-cluster-settings"
NAMESPACE = "CloudHSMClusterSettings"

logger = Logger(service=SERVICE, utc=True)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)

# At DEBUG these print whole requests, ResponseURL included, whatever level the root logger is given.
for _name in ("crhelper", "boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)
