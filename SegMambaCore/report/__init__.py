"""What a person reads about a result: a report file and a picture."""
