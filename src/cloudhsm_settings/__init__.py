"""The function behind Custom::CloudHSMClusterSettings."""

__version__ = "0.1.0"
