"""`cloudhsm-settings report`: a page for the change ticket, and the evidence that it was made from."""
