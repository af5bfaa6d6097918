"""What the commands share: the group, options, prompts and the run itself."""
