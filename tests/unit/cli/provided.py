"""An account with a provider in it, as the tests of commands need it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings.history import Memory
from sandbox.table import TABLE, make_table
from tests.unit.cli.world import NOW, REGION, Account, moto_client

DAY = 24 * 3600
TOKEN = f"arn:aws:lambda:{REGION}:123456789012:function:provider"


class Backups:
    """CloudHSM with backups, one a day."""

    def __init__(self, account: Account, days: int) -> None:
        self._client, self._days = account.clients["cloudhsmv2"], days

    def describe_clusters(self, **members: Any) -> Any:
        return self._client.describe_clusters(**members)

    def describe_backups(self, **_: Any) -> Any:
        moments = [datetime.fromtimestamp(NOW - day * DAY - 3600, UTC) for day in range(self._days)]
        return {"Backups": [{"BackupState": "READY", "CreateTimestamp": each} for each in moments]}


class KeyStores:
    """KMS with custom key stores, one for each cluster."""

    def __init__(self, *cluster_ids: str) -> None:
        self._cluster_ids = cluster_ids

    def describe_custom_key_stores(self) -> Any:
        stores = [{"CustomKeyStoreName": f"store-{n}", "CloudHsmClusterId": c} for n, c in enumerate(self._cluster_ids)]
        return {"CustomKeyStores": stores}


class Provider:
    """Lambda with the provider's function."""

    def get_function_configuration(self, **_: Any) -> Any:
        return {"Environment": {"Variables": {"TABLE_NAME": TABLE}}}


def furnish(account: Account) -> Account:
    """Adds a provider, an export of it, and backups of the last hundred days."""
    make_table(moto_client("dynamodb"))
    account.clients |= {"lambda": Provider(), "kms": KeyStores(), "cloudhsmv2": Backups(account, 100)}
    account.cloudformation.exports["cloudhsm-cluster-settings-ServiceToken"] = TOKEN
    return account


def checks(ran: Any) -> dict[str, str]:
    return {each["number"]: each["verdict"] for each in ran.json["resources"][0]["checks"]}


def remember(cluster_id: str, name: str = "vault/Settings", memory: Memory | None = None, **declared: Any) -> None:
    """Puts a resource that has declared something on record."""
    stack, logical_id = name.split("/")
    record = Record(
        stack_id=f"arn:aws:cloudformation:{REGION}:123456789012:stack/{stack}/1",
        logical_resource_id=logical_id,
        request_id="one",
        request_type="Create",
        physical_resource_id=cluster_id,
        declared=declared,
        ended=True,
        settled=True,
    )
    store = DynamoDbStore(lambda: moto_client("dynamodb"), TABLE)
    kept = store.claim(record, 1.0, only_same_id=False)
    if memory:
        store.write(kept, replace(kept, memory=memory.to_json()))
