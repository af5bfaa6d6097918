"""How fast Deployster is, each figure beside a named rival that is measured in the same run: ``python -m bench``."""
