"""Never reached: the build fails before anything starts."""

print("this line is never printed", flush=True)
