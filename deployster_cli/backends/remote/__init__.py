"""Commands that a server carries out, over HTTP."""
