"""The dialect of the Open Inference Protocol V2."""
