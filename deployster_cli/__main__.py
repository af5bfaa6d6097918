"""``python -m deployster_cli`` is the same program as ``deployster``."""

from deployster_cli.main import main

main()
