"""What a release is made of: the version, the changelog's word on it, and the files of dist/."""
