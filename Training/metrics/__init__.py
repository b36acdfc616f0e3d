"""How good a segmentation is, in the conventions of the field, which must not be mixed."""
