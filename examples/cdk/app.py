"""Deploys the provider, and keeps HSM type and backup retention of a cluster with one HSM as declared."""

from aws_cdk import App, CfnOutput, Duration, Stack

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider

app = App()
cluster = app.node.get_context("cluster")
provider = ClusterSettingsProvider(Stack(app, "CloudHsmSettingsProvider"), "Provider", cluster_id_pattern=cluster)

stack = Stack(app, "CloudHsmSettings")
settings = ClusterSettings(
    stack,
    "Settings",
    provider=provider,
    cluster=cluster,
    hsm_type="hsm2m.medium",
    backup_retention=Duration.days(30),
)
CfnOutput(stack, "HsmType", value=settings.attr_hsm_type)
CfnOutput(stack, "Retention", value=settings.attr_backup_retention_policy_value)

app.synth()
