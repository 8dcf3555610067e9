"""Measurements of the built function beside what people would otherwise use; `make bench` runs them."""
