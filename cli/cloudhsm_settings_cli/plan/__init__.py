"""`cloudhsm-settings plan`: what a deployment would do, before it is made."""
