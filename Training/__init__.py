"""Training of the networks that ship: packed cases, augmentation on the device, evaluation."""
