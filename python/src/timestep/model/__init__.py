"""Finding the model for a name."""
