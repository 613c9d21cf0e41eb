"""Every door by which work enters, one file a door. Each only marks pairs as due."""
