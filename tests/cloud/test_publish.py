"""From dist/ to a stack as a stranger gets it: `sam package`, `sam publish`, and the change set that the repository makes."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from sandbox.cloud import Cloud, sam
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks
from tools.release.dist import BILL, CHECKSUMS, build
from tools.release.template import SERVERLESS_REPO, load, metadata

pytestmark = pytest.mark.cloud
BUCKET = "releases"
STACK = "serverlessrepo-cloudhsm-cluster-settings"


class Repository(ThreadingHTTPServer):
    """The Serverless Application Repository as `sam publish` sees it, which no local cloud has: CreateApplication."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.created: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_POST(self) -> None:
        application = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/applications":
            self.server.created.append(application)
        answer = json.dumps({"applicationId": "arn:aws:serverlessrepo:us-east-1:000000000000:applications/it"}).encode()
        self.send_response(201 if self.path == "/applications" else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what was wrong."""


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("release") / "dist"
    build(directory)
    return directory


@pytest.fixture(scope="module")
def packaged(cloud: Cloud, dist: Path) -> Path:
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    file = dist.parent / "packaged.yaml"
    sam(
        "package",
        "--template-file", str(dist / "template.yaml"),
        "--output-template-file", str(file),
        "--s3-bucket", BUCKET,
        "--no-progressbar",
        environment=cloud.environment,
    )  # fmt: skip
    return file


def test_two_builds_are_the_same_bytes(dist, tmp_path):
    build(tmp_path / "again")
    files = sorted(path.name for path in dist.iterdir())
    assert files == sorted(
        ["Function.zip", "LICENSE", "Responder.zip", CHECKSUMS, BILL, "serverlessrepo.md", "template.yaml"]
    )
    assert [name for name in files if (dist / name).read_bytes() != (tmp_path / "again" / name).read_bytes()] == []


def test_the_bill_lists_what_is_pinned_and_nothing_else(dist):
    bill = json.loads((dist / BILL).read_text())
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "src" / "requirements.txt").read_text(), re.MULTILINE)
    assert [(each["name"], each["version"]) for each in bill["components"]] == sorted(pinned)
    assert [each["name"] for each in bill["components"] if not each.get("licenses")] == []
    (archive,) = bill["metadata"]["component"]["components"]
    digest = hashlib.sha256((dist / "Function.zip").read_bytes()).hexdigest()
    assert archive["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert bill["metadata"]["component"]["version"] == metadata()["SemanticVersion"]
    depends = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    needed = {ref.split("@")[0] for ref in depends[metadata()["Name"]]}
    assert needed == {"pkg:pypi/aws-lambda-powertools", "pkg:pypi/boto3", "pkg:pypi/crhelper"}
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str((dist / BILL).read_text())


def test_the_packaged_template_needs_no_file_of_this_machine(cloud, dist, packaged):
    template = load(packaged.read_text())
    application = template["Metadata"][SERVERLESS_REPO]
    named = {
        application["LicenseUrl"]: "LICENSE",
        application["ReadmeUrl"]: "serverlessrepo.md",
        template["Resources"]["Function"]["Properties"]["CodeUri"]: "Function.zip",
        template["Resources"]["Responder"]["Properties"]["CodeUri"]: "Responder.zip",
    }
    for url, file in named.items():
        where = urlsplit(url)
        assert where.scheme == "s3", url
        stored = cloud.client("s3").get_object(Bucket=where.netloc, Key=where.path.lstrip("/"))["Body"].read()
        assert stored == (dist / file).read_bytes(), file
    text = packaged.read_text()
    assert not [name for name in (*named.values(), str(ROOT), str(dist)) if name in text]


def test_what_sam_publishes_deploys_as_the_repository_deploys_it(cloud, fleet, stacks: Stacks, packaged, repository):
    endpoint = f"http://127.0.0.1:{repository.server_port}"
    environment = {**cloud.environment, "AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY": endpoint}
    sam("publish", "--template", str(packaged), environment=environment)
    (application,) = repository.created
    template = application.pop("templateBody")
    assert application.pop("licenseUrl").startswith(f"s3://{BUCKET}/")
    assert application.pop("readmeUrl").startswith(f"s3://{BUCKET}/")
    told = {name[0].lower() + name[1:]: value for name, value in metadata().items()}
    assert application == {name: value for name, value in told.items() if name not in ("licenseUrl", "readmeUrl")}
    assert SERVERLESS_REPO not in template

    client = cloud.client("cloudformation")
    client.create_change_set(
        StackName=STACK,
        ChangeSetName="a1",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Parameters=[{"ParameterKey": "ClusterIdPattern", "ParameterValue": "cluster-*"}],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    client.get_waiter("change_set_create_complete").wait(
        StackName=STACK, ChangeSetName="a1", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    client.execute_change_set(StackName=STACK, ChangeSetName="a1")
    client.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    cluster = fleet.seed()
    example = (ROOT / "examples" / "retention" / "template.yaml").read_text()
    ours = example.replace("cloudhsm-cluster-settings-ServiceToken", f"{STACK}-ServiceToken")
    assert ours != example
    assert stacks.create("from-the-repository", ours, ClusterId=cluster.cluster_id) == "CREATE_COMPLETE"
    assert stacks.outputs("from-the-repository")["Retention"] == "30"
