"""Conversations that are kept in the database."""
