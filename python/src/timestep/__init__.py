"""Durable OpenAI Agents on Postgres alone."""
