"""What `Fn::GetAtt` reads, see docs/resource.md."""

from aws_cdk import CustomResource, Fn, Token


class Attributes(CustomResource):
    """Every attribute of Custom::CloudHSMClusterSettings; one that the cluster does not have is empty."""

    @property
    def attr_cluster_id(self) -> str:
        """The cluster."""
        return self.get_att_string("ClusterId")

    @property
    def attr_hsm_type(self) -> str:
        """The cluster's type as CloudHSM gives it."""
        return self.get_att_string("HsmType")

    @property
    def attr_hsm_type_drifted(self) -> str:
        """Whether the type is not the declared one and was left alone, "true" or "false"."""
        return self.get_att_string("HsmTypeDrifted")

    @property
    def attr_backup_retention_policy_type(self) -> str:
        """DAYS, or empty without a managed policy."""
        return self.get_att_string("BackupRetentionPolicy.Type")

    @property
    def attr_backup_retention_policy_value(self) -> str:
        """Days as a string; clusters from before November 2020 can have more than 379."""
        return self.get_att_string("BackupRetentionPolicy.Value")

    @property
    def attr_backup_policy(self) -> str:
        """DEFAULT."""
        return self.get_att_string("BackupPolicy")

    @property
    def attr_state(self) -> str:
        """State of the cluster, such as ACTIVE."""
        return self.get_att_string("State")

    @property
    def attr_state_message(self) -> str:
        """What CloudHSM says about the state."""
        return self.get_att_string("StateMessage")

    @property
    def attr_mode(self) -> str:
        """FIPS or NON_FIPS."""
        return self.get_att_string("Mode")

    @property
    def attr_network_type(self) -> str:
        """IPV4 or DUALSTACK."""
        return self.get_att_string("NetworkType")

    @property
    def attr_vpc_id(self) -> str:
        """VPC of the cluster."""
        return self.get_att_string("VpcId")

    @property
    def attr_security_group(self) -> str:
        """Security group of the cluster."""
        return self.get_att_string("SecurityGroup")

    @property
    def attr_subnet_ids(self) -> list[str]:
        """Subnets of the cluster."""
        return Fn.split(",", self.get_att_string("SubnetIds"))

    @property
    def attr_availability_zones(self) -> list[str]:
        """Availability zones, in the order of the subnets."""
        return Fn.split(",", self.get_att_string("AvailabilityZones"))

    @property
    def attr_hsm_ids(self) -> list[str]:
        """HSMs that are neither deleted nor being deleted."""
        return Fn.split(",", self.get_att_string("HsmIds"))

    @property
    def attr_hsm_eni_ips(self) -> list[str]:
        """Their addresses, in the same order."""
        return Fn.split(",", self.get_att_string("HsmEniIps"))

    @property
    def attr_hsm_count(self) -> float:
        """Number of HSMs that are neither deleted nor being deleted."""
        return Token.as_number(self.get_att("HsmCount"))

    @property
    def attr_create_timestamp(self) -> str:
        """When the cluster was created, ISO 8601 UTC."""
        return self.get_att_string("CreateTimestamp")

    @property
    def attr_source_backup_id(self) -> str:
        """The backup that the cluster was made from."""
        return self.get_att_string("SourceBackupId")

    @property
    def attr_hsm_type_rollback_expiration(self) -> str:
        """Until when CloudHSM allows to go back to the former type, ISO 8601 UTC."""
        return self.get_att_string("HsmTypeRollbackExpiration")

    @property
    def attr_previous_hsm_type(self) -> str:
        """The type before the request changed it."""
        return self.get_att_string("PreviousHsmType")
