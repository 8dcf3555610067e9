import { App, CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { ClusterSettings } from "./cluster-settings.ts";

const app = new App();
const stack = new Stack(app, "CloudHsmTypeScript");
const settings = new ClusterSettings(stack, "Settings", {
  clusterId: app.node.getContext("cluster"),
  hsmType: "hsm2m.medium",
  backupRetention: Duration.days(30),
  longMigration: Duration.hours(12),
});
new CfnOutput(stack, "HsmType", { value: settings.getAttString("HsmType") });
new CfnOutput(stack, "Retention", { value: settings.getAttString("BackupRetentionPolicy.Value") });
