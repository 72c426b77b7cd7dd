"""Durable runs that workers of the TypeScript module execute: queue them, see them, decide about them."""
