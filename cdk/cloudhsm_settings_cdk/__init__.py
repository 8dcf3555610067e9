"""CDK constructs for Custom::CloudHSMClusterSettings, see docs/cdk.md."""

from cloudhsm_settings_cdk.limits import HsmTypeOnRollback
from cloudhsm_settings_cdk.provider import EXPORT_NAME, ClusterSettingsProvider, IClusterSettingsProvider
from cloudhsm_settings_cdk.settings import ClusterSettings, ICluster

__all__ = [
    "EXPORT_NAME",
    "ClusterSettings",
    "ClusterSettingsProvider",
    "HsmTypeOnRollback",
    "ICluster",
    "IClusterSettingsProvider",
]
