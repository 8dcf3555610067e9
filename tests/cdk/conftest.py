import os

from sandbox.cdk import NODE

# Before anything imports CDK, which starts Node.js: the one that the machine has may be none, or too old.
os.environ["JSII_NODE"] = str(NODE)
