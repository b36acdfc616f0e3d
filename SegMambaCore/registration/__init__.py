"""Where one scan of a head lies relative to another: rigid registration."""
