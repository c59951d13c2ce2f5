"""Who speaks: one vector for a voice, to tell how alike two voices are."""
