"""Recipes of what comes trained: texts, losses, loops, figures and cards."""
