"""From the scanner's volumes to what a network knows: sequences on each other, the brain without its skull."""
