"""The command `cloudhsm-settings`: what a change will do, how far it is, and what became of it."""
