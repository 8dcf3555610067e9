"""A person's own template on the local cloud, in every way that its change can go; `make rehearse TEMPLATE=...`."""
