"""The same operations over HTTP: FastAPI on uvicorn. Only commands/serve.py imports this."""
