"""python -m trackers.sandbox --kind github|jira_server --port N --data DIR [--host H] [--panel URL]"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

from trackers.sandbox.server import KINDS, Sandbox


def main() -> int:
    args = _arguments()
    try:
        sandbox = Sandbox(args.kind, host=args.host, port=args.port, data=args.data, panel=args.panel)
    except OSError as error:
        print(f"The {args.kind} sandbox cannot listen on {args.host}:{args.port}: {error.strerror or error}.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=sandbox.server.shutdown).start())
    print(f"{sandbox.tracker.product} sandbox: {sandbox.server.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        sandbox.server.serve_forever(0.2)
    sandbox.server.server_close()
    sandbox.store.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trackers.sandbox", description="Serve one simulated tracker.")
    parser.add_argument("--kind", required=True, choices=sorted(KINDS))
    parser.add_argument("--port", required=True, type=int, help="0: any free port")
    parser.add_argument("--data", required=True, type=Path, help="the directory its data are kept in")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--panel", default=os.environ.get("SANDBOX_PANEL", ""), help="base URL of the console whose panel issue pages show"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
