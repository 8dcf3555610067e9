"""`cloudhsm-settings watch`: how far a change is, when it ends, and what turning back would cost now."""
