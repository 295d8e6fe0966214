"""What pytest gets from this package: the fixture ``bus_events``."""
