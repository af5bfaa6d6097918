"""What the verbs do: plan, lock, roll out, judge, ask. Nothing here prints."""
