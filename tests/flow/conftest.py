"""The daemon end to end: real Envoys, real requests. Nothing waits for time to pass; everything waits for what it needs, with a limit."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
