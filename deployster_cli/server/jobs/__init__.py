"""Changes and tasks that the server carries out behind a request: their queue, their store, their workers."""
