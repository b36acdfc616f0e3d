"""Many patients: finding them, knowing who is finished, and telling how it went."""
