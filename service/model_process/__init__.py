"""A model outside the loop: its process, and the frames that go between the two. No pickle, and no waiting."""
