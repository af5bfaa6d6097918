"""The packages that are installed: every folder of deployster_cli, and the templates. All else is in setup.cfg."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["deployster_cli*"]), "deployster_cli.templates"])
