"""One module for each way of keeping the same documents: raw pymongo, ours and the peers'.

Each runs in a process, and the peers in an environment, of its own, so a module here imports
its own library, pymongo and its neighbours, and nothing else of this project.
"""
