"""Search spaces that come as files of a group's own form, and the way back."""
