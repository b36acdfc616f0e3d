"""The result: three overlapping regions on the reference's own grid."""
