"""The same operations over HTTP: FastAPI on granian. Only commands/serve.py imports this."""
