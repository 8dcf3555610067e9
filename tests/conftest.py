import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what is tested.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

# Before anything imports the function: no test talks to a real account.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_CONFIG_FILE="/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_DISABLED="true",
)
os.environ.pop("AWS_PROFILE", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it runs in the background ignore Ctrl-C, which every process of a test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)


SECRETS = (
    "X-Amz-Signature=",
    "_ministack/cfn-response/",
    "_ministack/cfn-signal/",
    "Pr3CoPassw0rd",
    "BEGIN CERTIFICATE",
)
"""What every ResponseURL, handle URL, PreCoPassword and certificate of the tests has in it."""
leaks: list[str] = []


def leaked_by(nodeid: str, output: str) -> list[str]:
    """The secrets in a test's output; the stock crhelper is known to print them, which one of its tests shows."""
    return [] if "[stock" in nodeid else [f"{nodeid}: {secret}" for secret in SECRETS if secret in output]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Searches everything that any test prints or logs."""
    if report.passed:
        leaks.extend(leaked_by(report.nodeid, "\n".join(text for _, text in report.sections)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if leaks and not hasattr(session.config, "workerinput"):
        print("\nSecrets in the output of", *leaks, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what tests have recorded to be seen."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in getattr(report, "user_properties", []):
            if name == "shown":
                terminalreporter.write_line(value)
