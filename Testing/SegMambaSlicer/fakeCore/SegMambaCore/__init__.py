"""A program in SegMambaCore's place: it speaks the command's protocol and computes nothing worth the name."""
