"""The pages of Capital."""
