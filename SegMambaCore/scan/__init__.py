"""The selective scan of Mamba and its interchangeable back ends."""
