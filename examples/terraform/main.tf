terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.68"
    }
  }
}

variable "subnet_ids" {
  type = list(string)
}

resource "aws_cloudhsm_v2_cluster" "key_store" {
  # The type at the creation.
  hsm_type   = "hsm2m.medium"
  mode       = "FIPS"
  subnet_ids = var.subnet_ids

  lifecycle {
    # Terraform reads the type that the cluster has now. Where it differs, Terraform would replace the cluster.
    ignore_changes  = [hsm_type]
    prevent_destroy = true
  }
}

resource "aws_cloudformation_stack" "settings" {
  name          = "cluster-settings-terraform"
  template_body = file("${path.module}/template.yaml")

  parameters = {
    ClusterId = aws_cloudhsm_v2_cluster.key_store.cluster_id
  }

  # The wait condition holds the stack for up to 12 hours. Terraform's default is 30 minutes.
  timeouts {
    create = "13h"
    update = "13h"
  }
}

output "hsm_type" {
  value = aws_cloudformation_stack.settings.outputs["HsmType"]
}
