"""The command: its options, and the way from them to an exit code."""

import click

from cloudhsm_settings_cli.command import Tools, shared
from cloudhsm_settings_cli.exits import Exit, Stopped


@click.command()
@click.option("--cluster", "cluster_id", metavar="ID", required=True, help="The cluster.")
@shared
def plan(tools: Tools, cluster_id: str) -> Exit:
    """What a deployment would do, before it is made."""
    found = tools.aws.read("cloudhsm:DescribeClusters", cluster_id, Filters={"clusterIds": [cluster_id]})
    for each in found.get("Clusters") or ():
        tools.out.lines([f"{each['ClusterId']}   {each.get('State')}   {each.get('HsmType')}"])
        tools.out.document({"cluster": each["ClusterId"], "state": each.get("State")})
        return Exit.DONE
    raise Stopped(f"{cluster_id} does not exist in region {tools.aws.region}.")
