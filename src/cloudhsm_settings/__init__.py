"""The function behind Custom::CloudHSMClusterSettings."""
