"""Countries, cities, their photos and notes: the smallest site that uses every app."""
