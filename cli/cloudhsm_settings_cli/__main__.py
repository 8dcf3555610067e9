"""`python -m cloudhsm_settings_cli`."""

from cloudhsm_settings_cli.main import main

main()
