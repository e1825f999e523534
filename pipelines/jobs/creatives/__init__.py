"""What ads say and show against what orders came of it, and how far each ad has worn out.

It reads marts and the store of images, and may not enter another job's room.
"""
