"""CDK constructs for Custom::CloudHSMClusterSettings, see docs/cdk.md."""

from cloudhsm_settings_cdk.provider import EXPORT_NAME, ClusterSettingsProvider, IClusterSettingsProvider
from cloudhsm_settings_cdk.settings import ClusterSettings, HsmTypeOnRollback

__all__ = [
    "EXPORT_NAME",
    "ClusterSettings",
    "ClusterSettingsProvider",
    "HsmTypeOnRollback",
    "IClusterSettingsProvider",
]
