"""What every picture and report has to say about itself."""

RESEARCH_USE_ONLY = "For research use only. Not a medical device; not for diagnosis or treatment."
