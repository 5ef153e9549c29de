"""What travels: typed requests, results, usage and the engine protocol. Imports nothing of ours."""
