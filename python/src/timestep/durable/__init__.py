"""Durable runs: what they do is recorded in the journal, and a replay takes it from there."""
