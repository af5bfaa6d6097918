"""Tries a running ``deployster serve`` from outside, as somebody would who means no good: see ``__main__``."""
