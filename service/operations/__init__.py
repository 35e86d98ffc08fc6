"""Administrative work that outlives a request: started in one worker, visible from all."""
