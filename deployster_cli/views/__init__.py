"""What is said of it all: tables, plain columns, JSON, sentences."""
