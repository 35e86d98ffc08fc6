"""How much room the disks have, and what is done without when there is little."""
