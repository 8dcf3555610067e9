import { createHash } from "node:crypto";
import { CfnWaitCondition, CfnWaitConditionHandle, CustomResource, Duration, Fn, type CfnResource } from "aws-cdk-lib";
import type { Construct } from "constructs";

export interface ClusterSettingsProps {
  readonly clusterId: string;
  /** Never touched without it. */
  readonly hsmType?: string;
  /** 7 to 379 days; never touched without it. */
  readonly backupRetention?: Duration;
  /** What a stack rollback does to the type: "Revert" loses the keys made since. */
  readonly hsmTypeOnRollback?: "Keep" | "Revert";
  /** How long the stack waits for a migration, at most 12 hours; for clusters with two HSMs or more. */
  readonly longMigration?: Duration;
}

/** Keeps HSM type and backup retention of an existing cluster as declared. */
export class ClusterSettings extends CustomResource {
  constructor(scope: Construct, id: string, props: ClusterSettingsProps) {
    const { clusterId, hsmType, backupRetention, hsmTypeOnRollback, longMigration } = props;
    super(scope, id, {
      serviceToken: Fn.importValue("cloudhsm-cluster-settings-ServiceToken"),
      resourceType: "Custom::CloudHSMClusterSettings",
      properties: {
        ClusterId: clusterId,
        HsmType: hsmType,
        BackupRetentionPolicy: backupRetention && { Type: "DAYS", Value: backupRetention.toDays() },
        HsmTypeOnRollback: hsmTypeOnRollback,
      },
    });
    if (longMigration) this.wait(longMigration.toSeconds(), clusterId, hsmType);
  }

  /** A wait condition waits once, so each migration has one with logical ids of its own. */
  private wait(seconds: number, ...migration: unknown[]): void {
    const waited = JSON.stringify([...this.stack.resolve(migration), seconds]);
    const name = createHash("sha256").update(waited).digest("hex").slice(0, 8);
    const handle = new CfnWaitConditionHandle(this, `MigrationHandle${name}`);
    const settings = this.node.defaultChild as CfnResource;
    settings.addPropertyOverride("WaitConditionHandle", handle.ref);
    const migrated = new CfnWaitCondition(this, `Migrated${name}`, { handle: handle.ref, timeout: `${seconds}` });
    migrated.node.addDependency(settings);
  }
}
