"""Deploys the provider, and keeps HSM type and backup retention of a cluster with one HSM as declared."""

from aws_cdk import App, CfnOutput, Duration, Stack

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider

app = App()
provider = ClusterSettingsProvider(Stack(app, "CloudHsmSettingsProvider"), "Provider")

stack = Stack(app, "CloudHsmSettings")
settings = ClusterSettings(
    stack,
    "Settings",
    provider=provider,
    cluster=app.node.get_context("cluster"),
    hsm_type="hsm2m.medium",
    backup_retention=Duration.days(30),
)
CfnOutput(stack, "HsmType", value=settings.attr_hsm_type)
CfnOutput(stack, "Retention", value=settings.attr_backup_retention_policy_value)

app.synth()
