"""The guided tour: the whole job once, on sample recordings, with pictures and a page."""
