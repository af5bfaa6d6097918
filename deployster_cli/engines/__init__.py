"""What runs units, behind one protocol (base.py); one folder an engine."""
