"""What is used over time, as services and servers tell it: their routers are composed where those are."""
