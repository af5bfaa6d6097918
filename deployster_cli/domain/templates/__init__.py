"""Unit files from templates. Pure."""
