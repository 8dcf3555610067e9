"""Migrates a cluster with several HSMs, with a provider that is deployed already."""

from aws_cdk import App, CfnOutput, Duration, Stack

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider

app = App()
stack = Stack(app, "CloudHsmLongMigration")
provider = ClusterSettingsProvider.from_export_name(stack, "Provider")
settings = ClusterSettings(
    stack,
    "Settings",
    provider=provider,
    cluster=app.node.get_context("cluster"),
    hsm_type="hsm2m.medium",
    long_migration=Duration.hours(12),
)
CfnOutput(stack, "HsmType", value=settings.attr_hsm_type)
CfnOutput(stack, "PreviousHsmType", value=settings.attr_previous_hsm_type)

app.synth()
