"""A whole local cloud: CloudFormation, Lambda, Scheduler, DynamoDB and a CloudHSM with the real states.

`Cloud` starts it, `python -m sandbox` shows it to a person. Nothing in it leaves the loopback interface.
"""
