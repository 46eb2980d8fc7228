# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.prove.server server|client``: runs the script on standard input on a server that clients behind one
address connect to, while they do so. The argument says who closes first.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from tests.prove.world import Scenario, world

HOUR = 3_600_000
#: Of each client, for so many seconds. A port comes again when the router has given out all of them.
EVERY, SECONDS, PORTS = 0.05, 10, 40


def main() -> None:
    scenario = Scenario("", 1, (0, HOUR), closes_first=sys.argv[1], ports=PORTS)
    script = sys.stdin.read()
    with world(scenario) as made:
        traffic = threading.Thread(target=made.connect, args=[EVERY, int(SECONDS / EVERY)])
        traffic.start()
        # Until the first ports come again.
        time.sleep(3)
        done = subprocess.run(made.server.command("sh"), input=script, stdout=subprocess.PIPE, text=True, check=True)
        traffic.join()
    sys.stdout.write(done.stdout)


if __name__ == "__main__":
    main()
